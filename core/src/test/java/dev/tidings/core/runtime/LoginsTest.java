// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.access.LoginSweep;
import dev.tidings.core.command.ChangeUser;
import dev.tidings.core.command.DeleteUser;
import dev.tidings.core.command.OpenLogin;
import dev.tidings.core.command.RemoveEntry;
import dev.tidings.core.command.RenewLogin;
import dev.tidings.core.command.RenewLogin.Result;
import dev.tidings.core.command.RevokeLogin;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.User;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Logins: opened, renewed, revoked, forgotten and swept.
class LoginsTest {
  private static final Duration LIFETIME = Duration.ofDays(30);
  private static final Duration ACCESS = Duration.ofHours(1);
  private static final int MANY = 1000;

  private final MemoryStore.Memory memory = new MemoryStore.Memory();
  private CrankedNode node;
  private User ada;
  private final List<String> told = new ArrayList<>();

  @BeforeEach
  void makeNode() throws Exception {
    node = CrankedNode.on(new MemoryStore(memory), 2);
    ada = node.createUser("ada", Permission.READ);
    for (Loop loop : node.node().loops()) {
      node.executor(loop.index())
          .run(() -> loop.readers().onPrincipalChange(id -> told.add(loop.index() + " " + id)));
    }
  }

  private static OpenLogin opening(User user, String id, int maxLogins) {
    return new OpenLogin(user, id, "password-login", LIFETIME.toMillis(), maxLogins);
  }

  private Login open(String id) {
    return open(id, MANY);
  }

  private Login open(String id, int maxLogins) {
    var reply = node.submit(opening(ada, id, maxLogins));
    node.settle();
    return reply.done();
  }

  private RenewLogin renewing(Login login) {
    return new RenewLogin("ada", ada.id(), login.id(), login.generation(), LIFETIME.toMillis());
  }

  private Result renew(Login login) {
    var reply = node.submit(renewing(login));
    node.settle();
    return reply.done();
  }

  private static RevokeLogin revoking(Login login) {
    return new RevokeLogin(login, OptionalInt.empty());
  }

  private Login revoke(Login login) {
    var reply = node.submit(revoking(login));
    node.settle();
    return reply.done();
  }

  private Optional<Login> stored(String id) {
    return node.node().directory().login(id);
  }

  private static ChangeUser.Change activity(boolean active) {
    return new ChangeUser.Change(
        Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(active));
  }

  private static ChangeUser.Change password(String hash) {
    return new ChangeUser.Change(
        Optional.empty(), Optional.of(hash), Optional.empty(), Optional.empty());
  }

  // ---- opening ----

  @Test
  void openedLogin_isStoredAndShown_whenItIsAnswered() throws Exception {
    Login login = open("l1");
    assertThat(login)
        .isEqualTo(
            new Login(
                "l1",
                ada.id(),
                "ada",
                ManualTime.BEGINNING_MS,
                ManualTime.BEGINNING_MS + LIFETIME.toMillis(),
                Optional.empty(),
                0,
                "password-login",
                Optional.empty()));
    assertThat(stored("l1")).contains(login);
    assertThat(new MemoryStore(memory).loadDirectory().all(Login.class)).containsExactly(login);
    assertThat(told).isEmpty();
  }

  @Test
  void login_ofAUserWhoIsDisabledMeanwhile_isRefused_alsoBeforeThatIsDurable() {
    var disabled = node.submit(new ChangeUser("ada", ada.id(), activity(false)));
    var refused = node.submit(opening(ada, "l1", MANY));
    node.settle();
    assertThat(disabled.done().active()).isFalse();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(stored("l1")).isEmpty();
  }

  @Test
  void login_withThePasswordThatWasChangedMeanwhile_isRefused() {
    var changed = node.submit(new ChangeUser("ada", ada.id(), password("$argon2id$new")));
    var refused = node.submit(opening(ada, "l1", MANY));
    var good = node.submit(opening(changedAda("$argon2id$new"), "l2", MANY));
    node.settle();
    assertThat(changed.isAnswered()).isTrue();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(good.done().isRevoked()).isFalse();
  }

  private User changedAda(String hash) {
    return new User(
        ada.id(), "ada", ada.email(), hash, ada.permissions(), ada.active(), ada.createdAt());
  }

  @Test
  void login_ofAUserWhoIsDeletedMeanwhile_isRefused_alsoIfTheNameHasAnother() {
    var deleted = node.submit(new DeleteUser("ada", ada.id()));
    var refused = node.submit(opening(ada, "l1", MANY));
    node.settle();
    assertThat(deleted.isAnswered()).isTrue();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.USER_MISSING);
  }

  @Test
  void loginsAtTheBound_stay_andOneMoreForgetsTheLeastRecentlyUsed() {
    Login first = open("a", 3);
    node.time().advance(Duration.ofSeconds(1));
    open("b", 3);
    node.time().advance(Duration.ofSeconds(1));
    open("c", 3);
    node.time().advance(Duration.ofSeconds(1));
    assertThat(renew(first)).isInstanceOf(Result.Renewed.class);
    assertThat(node.node().directory().loginsOf(ada.id())).containsExactly("a", "b", "c");
    open("d", 3);
    assertThat(node.node().directory().loginsOf(ada.id())).containsExactly("a", "c", "d");
    // A bound that was lowered takes as many as it has to.
    open("e", 1);
    assertThat(node.node().directory().loginsOf(ada.id())).containsExactly("e");
    assertThat(told).isEmpty();
  }

  @Test
  void boundOfLogins_holdsForThoseThatAreNotDurableYet() {
    for (int i = 0; i < 5; i++) {
      var _ = node.submit(opening(ada, "l" + i, 2));
    }
    node.settle();
    assertThat(node.node().directory().loginsOf(ada.id())).containsExactly("l3", "l4");
  }

  @Test
  void revokedLogins_doNotCountAndAreNeverForgotten() {
    revoke(open("ended", 1));
    open("used", 1);
    assertThat(node.node().directory().loginsOf(ada.id())).containsExactly("ended", "used");
  }

  @Test
  void revokedLoginsAtTheirBound_keepFurtherOnesOut_butEveryKnownOneCanBeEnded() throws Exception {
    haveRevoked(RevokeLogin.MAX_REVOKED - 1);
    Login last = open("last");
    revoke(last);
    var opened = node.submit(opening(ada, "one-more", 1));
    var remembered = node.submit(revoking(unknown("too-many")));
    node.settle();
    assertThat(opened.refusal().code()).isEqualTo(Refusal.Code.LIMIT_REACHED);
    assertThat(remembered.refusal().code()).isEqualTo(Refusal.Code.LIMIT_REACHED);
    assertThat(revoke(last).isRevoked()).isTrue();
    node.time().advance(ACCESS);
    sweep().sweep(2 * RevokeLogin.MAX_REVOKED);
    node.settle();
    assertThat(open("one-more").isRevoked()).isFalse();
  }

  /// Starts the node again on a store that holds so many logins of Ada that are revoked.
  private void haveRevoked(int count) throws Exception {
    MemoryStore store = new MemoryStore(memory);
    List<StoreRecord> records = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      records.add(
          new StoreRecord.EntryPut(unknown("revoked-" + i).revoked(ManualTime.BEGINNING_MS)));
    }
    assertThat(store.commit(new Batch(0, store.openSlots(SlotSet.ALL), 1, records)).isEmpty())
        .isTrue();
    node = CrankedNode.on(new MemoryStore(memory), 2);
  }

  // ---- renewing ----

  @Test
  void renewedLogin_hasTheNextGenerationAndANewTime() {
    Login login = open("l1");
    node.time().advance(Duration.ofDays(29));
    Result result = renew(login);
    Login renewed = stored("l1").orElseThrow();
    assertThat(result).isEqualTo(new Result.Renewed(ada, renewed));
    assertThat(renewed.generation()).isEqualTo(1);
    assertThat(renewed.lastUsedAt()).contains(node.time().wallMs());
    assertThat(renewed.expiresAt()).isEqualTo(node.time().wallMs() + LIFETIME.toMillis());
    assertThat(renewed.issuedAt()).isEqualTo(login.issuedAt());
  }

  @Test
  void twoWhoRenewTheSameGeneration_oneWins_andTheLoginIsRevoked() {
    Login login = open("l1");
    var first = node.submit(renewing(login), 0);
    var second = node.submit(renewing(login), 1);
    node.settle();
    List<Result> results = List.of(first.done(), second.done());
    assertThat(results).filteredOn(Result.Renewed.class::isInstance).hasSize(1);
    assertThat(results).filteredOn(Result.Replayed.class::isInstance).hasSize(1);
    assertThat(stored("l1").orElseThrow().isRevoked()).isTrue();
    assertThat(told).containsExactlyInAnyOrder("0 " + ada.id(), "1 " + ada.id());
  }

  @Test
  void replay_revokesTheLogin_beforeItsAnswer_andTheWinnersNextRenewalToo() {
    Login login = open("l1");
    Result won = renew(login);
    var replay = node.submit(renewing(login));
    while (!replay.isAnswered()) {
      assertThat(node.settleExecutors() > 0 || node.node().lane().step() == 0).isTrue();
    }
    assertThat(told).hasSize(2);
    assertThat(replay.done()).isInstanceOf(Result.Replayed.class);
    assertThat(renew(((Result.Renewed) won).login())).isEqualTo(new Result.Over());
  }

  @Test
  void renewalsOfUnknownExpiredRevokedAndLaterGenerations_findTheLoginOver() {
    Login login = open("l1");
    Login later = login.renewed(0, 0);
    assertThat(renew(unknown("never"))).isEqualTo(new Result.Over());
    assertThat(renew(later)).isEqualTo(new Result.Over());
    assertThat(stored("l1")).contains(login);
    node.time().advance(LIFETIME.minusMillis(1));
    Result atTheLastMoment = renew(login);
    Login renewed = ((Result.Renewed) atTheLastMoment).login();
    node.time().advance(LIFETIME);
    assertThat(renew(renewed)).isEqualTo(new Result.Over());
    assertThat(stored("l1")).contains(renewed);
    assertThat(renew(revoke(open("l2")))).isEqualTo(new Result.Over());
  }

  @Test
  void renewalForADisabledUser_revokesTheLogin_andForADeletedOneIsRefused() {
    Login login = open("l1");
    var disabled = node.submit(new ChangeUser("ada", ada.id(), activity(false)));
    node.settle();
    assertThat(renew(login)).isEqualTo(new Result.Barred());
    assertThat(stored("l1").orElseThrow().isRevoked()).isTrue();
    var deleted = node.submit(new DeleteUser("ada", ada.id()));
    var renewal = node.submit(renewing(login));
    node.settle();
    assertThat(disabled.isAnswered()).isTrue();
    assertThat(deleted.isAnswered()).isTrue();
    assertThat(renewal.refusal().code()).isEqualTo(Refusal.Code.USER_MISSING);
    assertThat(node.node().directory().logins()).isEmpty();
  }

  @Test
  void loginOfAnotherUser_isNotRenewed() {
    User bob = node.createUser("bob");
    Login login = open("l1");
    var reply = node.submit(new RenewLogin("bob", bob.id(), "l1", 0, 1));
    node.settle();
    assertThat(reply.done()).isEqualTo(new Result.Over());
    assertThat(stored("l1")).contains(login);
  }

  @Test
  void renewalThatCouldNotBeWritten_canBeRepeated() throws Exception {
    FailingStore failing = new FailingStore(new MemoryStore(memory));
    node = CrankedNode.on(failing, 2);
    Login login = open("l1");
    failing.nextCommits(FailingStore.Commit.FAILS_BEFORE);
    var refused = node.submit(renewing(login));
    node.settle();
    node.time().advance(Duration.ofSeconds(10));
    node.settle();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(renew(login)).isInstanceOf(Result.Renewed.class);
  }

  @Test
  void afterARestart_theLastGenerationRenews_andAnEarlierOneIsAReplay() throws Exception {
    Login first = open("l1");
    Login second = ((Result.Renewed) renew(first)).login();
    Login ended = revoke(open("l2"));
    node = CrankedNode.on(new MemoryStore(memory), 2);
    assertThat(stored("l2")).contains(ended);
    assertThat(renew(second)).isInstanceOf(Result.Renewed.class);
    assertThat(renew(first)).isInstanceOf(Result.Replayed.class);
    node = CrankedNode.on(new MemoryStore(memory), 2);
    assertThat(stored("l1").orElseThrow().isRevoked()).isTrue();
  }

  // ---- revoking ----

  private Login unknown(String id) {
    long now = node.time().wallMs();
    return new Login(id, ada.id(), "ada", now, now, Optional.empty(), 0, "", Optional.empty());
  }

  @Test
  void revokedLogin_isToldOnEveryLoop_beforeTheAnswer_andOnlyOnce() {
    Login login = open("l1");
    var reply = node.submit(revoking(login));
    while (!reply.isAnswered()) {
      assertThat(node.settleExecutors() > 0 || node.node().lane().step() == 0).isTrue();
    }
    Login revoked = reply.done();
    node.time().advance(Duration.ofSeconds(1));
    Login again = revoke(login);
    assertThat(told).containsExactlyInAnyOrder("0 " + ada.id(), "1 " + ada.id());
    assertThat(revoked.isRevoked()).isTrue();
    assertThat(again).isEqualTo(revoked);
  }

  @Test
  void revocationOfOneGeneration_leavesAnother() {
    Login first = open("l1");
    Login second = ((Result.Renewed) renew(first)).login();
    var old = node.submit(new RevokeLogin(second, OptionalInt.of(first.generation())));
    node.settle();
    assertThat(old.done().isRevoked()).isFalse();
    var current = node.submit(new RevokeLogin(second, OptionalInt.of(second.generation())));
    node.settle();
    assertThat(current.done().isRevoked()).isTrue();
  }

  @Test
  void forgottenLogin_canStillBeRevoked() {
    Login forgotten = open("a", 1);
    open("b", 1);
    assertThat(stored("a")).isEmpty();
    revoke(forgotten);
    assertThat(stored("a").orElseThrow().isRevoked()).isTrue();
  }

  @Test
  void revocation_isNeverBeforeTheYoungestToken_alsoIfTheClockWasSetBack() {
    Login login = open("l1");
    node.time().jumpWall(Duration.ofHours(-2));
    Login renewed = ((Result.Renewed) renew(login)).login();
    assertThat(renewed.usedAt()).isEqualTo(login.issuedAt());
    assertThat(revoke(renewed).revokedAt()).contains(login.issuedAt());
  }

  @Test
  void newPassword_endsAllLogins_andLeavesThoseOfOthers() {
    open("l1");
    open("l2");
    User bob = node.createUser("bob");
    var of = node.submit(opening(bob, "l3", MANY));
    node.settle();
    var changed = node.submit(new ChangeUser("ada", ada.id(), password("$argon2id$new")));
    node.settle();
    assertThat(of.done().isRevoked()).isFalse();
    assertThat(changed.isAnswered()).isTrue();
    assertThat(node.node().directory().logins().values())
        .filteredOn(Login::isRevoked)
        .extracting(Login::id)
        .containsExactly("l1", "l2");
  }

  // ---- sweeping ----

  /// A sweep whose removals are done at once, so that it never waits for them.
  private LoginSweep sweep() {
    return new LoginSweep(
        node.node().directory(),
        node.time(),
        ACCESS,
        (removal, answered) -> {
          var reply = node.submit(removal);
          node.settle();
          assertThat(reply.isAnswered()).isTrue();
          answered.run();
        });
  }

  @Test
  void sweep_removesRevokedLogins_whenTheirTokensHaveEnded_andExpiredOnes() throws Exception {
    LoginSweep sweep = sweep();
    revoke(open("ended"));
    open("open");
    node.time().advance(ACCESS.minusMillis(1));
    sweep.sweep(MANY);
    node.settle();
    assertThat(node.node().directory().logins()).containsOnlyKeys("ended", "open");
    node.time().advance(Duration.ofMillis(1));
    sweep.sweep(MANY);
    node.settle();
    assertThat(node.node().directory().logins()).containsOnlyKeys("open");
    node.time().advance(LIFETIME.minus(ACCESS).minusMillis(1));
    sweep.sweep(MANY);
    node.settle();
    assertThat(node.node().directory().logins()).containsOnlyKeys("open");
    node.time().advance(Duration.ofMillis(1));
    sweep.sweep(MANY);
    node.settle();
    assertThat(node.node().directory().logins()).isEmpty();
    assertThat(node.node().directory().loginsOf(ada.id())).isEmpty();
    assertThat(new MemoryStore(memory).loadDirectory().all(Login.class)).isEmpty();
  }

  @Test
  void sweep_goesOnWhereItEnded() {
    LoginSweep sweep = sweep();
    for (String id : Set.of("a", "b", "c", "d", "e")) {
      open(id);
    }
    node.time().advance(LIFETIME);
    sweep.sweep(2);
    node.settle();
    assertThat(node.node().directory().logins()).containsOnlyKeys("c", "d", "e");
    sweep.sweep(2);
    node.settle();
    assertThat(node.node().directory().logins()).containsOnlyKeys("e");
    sweep.sweep(2);
    node.settle();
    sweep.sweep(2);
    assertThat(node.node().directory().logins()).isEmpty();
  }

  @Test
  void removalOfALoginThatHasChangedSince_leavesIt() {
    Login login = open("l1");
    Result renewed = renew(login);
    var reply = node.submit(new RemoveEntry(login));
    node.settle();
    assertThat(reply.isAnswered()).isTrue();
    assertThat(stored("l1")).contains(((Result.Renewed) renewed).login());
  }
}
