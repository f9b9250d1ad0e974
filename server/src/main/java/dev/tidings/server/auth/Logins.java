// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import dev.tidings.core.command.OpenLogin;
import dev.tidings.core.command.RenewLogin;
import dev.tidings.core.command.RevokeLogin;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.SerialExecutor;
import dev.tidings.core.runtime.TimeSource;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Opens, renews and ends logins, and issues their tokens. Any thread; answers come on the executor
/// that is handed in, when they are durable.
public final class Logins {
  private static final Logger LOG = LoggerFactory.getLogger(Logins.class);

  private final Node node;
  private final TimeSource time;
  private final Settings settings;
  private final Tokens accessTokens;
  private final RefreshTokens refreshTokens;

  /// How long tokens live and how many logins there may be.
  ///
  /// @param accessLifetime of an access token
  /// @param refreshLifetime for how long a login can be renewed after it was last used
  /// @param perUser logins of one user that are not revoked; beyond it the least recently used is
  ///   forgotten
  public record Settings(Duration accessLifetime, Duration refreshLifetime, int perUser) {}

  /// What a client gets for a login.
  ///
  /// @param username whose login it is
  /// @param accessToken for its calls
  /// @param lifetime of the access token
  /// @param refreshToken renews the login, once
  public record Grant(String username, String accessToken, Duration lifetime, String refreshToken) {

    @Override
    public String toString() {
      // Tokens stay out of logs.
      return "Grant[" + username + ", " + lifetime + "]";
    }
  }

  /// What renewing came to.
  public sealed interface Renewal {

    /// The login was renewed.
    ///
    /// @param grant the next tokens
    record Renewed(Grant grant) implements Renewal {}

    /// The token renews nothing, or nothing any more.
    record Rejected() implements Renewal {}

    /// The user is gone or may not act.
    record NoUser() implements Renewal {}

    /// It could not be decided.
    ///
    /// @param refusal why
    record Refused(Refusal refusal) implements Renewal {}
  }

  /// Logins of the users of `node`; refresh tokens are signed with a key made from `secret`.
  public Logins(Node node, TimeSource time, String secret, Tokens accessTokens, Settings settings) {
    this.node = node;
    this.time = time;
    this.settings = settings;
    this.accessTokens = accessTokens;
    this.refreshTokens = new RefreshTokens(secret);
  }

  private Grant grant(User user, Login login) {
    return new Grant(
        user.username(),
        accessTokens.issue(user, login),
        accessTokens.lifetime(),
        refreshTokens.issue(login));
  }

  /// Opens a login of `user`, as it was when its password was checked.
  ///
  /// @param hint how the login comes about
  public void open(User user, String hint, SerialExecutor home, Consumer<Outcome<Grant>> then) {
    OpenLogin command =
        new OpenLogin(
            user,
            UUID.randomUUID().toString(),
            hint,
            settings.refreshLifetime().toMillis(),
            settings.perUser());
    node.submit(
        command,
        home,
        outcome ->
            then.accept(
                switch (outcome) {
                  case Outcome.Done<Login>(Login login) ->
                      Outcome.done(grant(node.directory().userById(user.id()).orElse(user), login));
                  case Outcome.Refused<Login>(Refusal refusal) -> new Outcome.Refused<>(refusal);
                }));
  }

  /// Renews the login that `refreshToken` belongs to.
  public void renew(String refreshToken, SerialExecutor home, Consumer<Renewal> then) {
    Optional<RefreshTokens.Claim> claim =
        refreshTokens.read(refreshToken).filter(it -> it.expiresAt() > time.wallMs());
    if (claim.isEmpty()) {
      then.accept(new Renewal.Rejected());
      return;
    }
    Optional<User> user = node.directory().userById(claim.get().userId());
    if (user.isEmpty()) {
      then.accept(new Renewal.NoUser());
      return;
    }
    node.submit(
        new RenewLogin(
            user.get().username(),
            user.get().id(),
            claim.get().loginId(),
            claim.get().generation(),
            settings.refreshLifetime().toMillis()),
        home,
        outcome -> then.accept(renewal(outcome)));
  }

  private Renewal renewal(Outcome<RenewLogin.Result> outcome) {
    return switch (outcome) {
      case Outcome.Done<RenewLogin.Result>(RenewLogin.Result result) ->
          switch (result) {
            case RenewLogin.Result.Renewed(User user, Login login) ->
                new Renewal.Renewed(grant(user, login));
            case RenewLogin.Result.Replayed(Login login) -> {
              LOG.warn(
                  "a refresh token of user {} was used twice: login {} is revoked",
                  login.username(),
                  login.id());
              yield new Renewal.Rejected();
            }
            case RenewLogin.Result.Barred() -> new Renewal.NoUser();
            case RenewLogin.Result.Over() -> new Renewal.Rejected();
          };
      case Outcome.Refused<RenewLogin.Result>(Refusal refusal) ->
          refusal.code() == Refusal.Code.USER_MISSING
              ? new Renewal.NoUser()
              : new Renewal.Refused(refusal);
    };
  }

  /// Revokes the login that `refreshToken` belongs to; nothing happens if it belongs to none. A
  /// token that was used before revokes it only if `anyGeneration`.
  public void revoke(
      String refreshToken,
      boolean anyGeneration,
      SerialExecutor home,
      Consumer<Optional<Refusal>> then) {
    Optional<RefreshTokens.Claim> claim = refreshTokens.read(refreshToken);
    Optional<Login> login = claim.flatMap(this::loginOf);
    if (login.isEmpty()) {
      then.accept(Optional.empty());
      return;
    }
    OptionalInt generation =
        anyGeneration ? OptionalInt.empty() : OptionalInt.of(claim.get().generation());
    submit(new RevokeLogin(login.get(), generation), home, then);
  }

  private Optional<Login> loginOf(RefreshTokens.Claim claim) {
    return node.directory()
        .userById(claim.userId())
        .map(user -> login(user, claim.loginId(), claim.generation()));
  }

  /// Revokes a login.
  public void revoke(Login login, SerialExecutor home, Consumer<Optional<Refusal>> then) {
    submit(new RevokeLogin(login, OptionalInt.empty()), home, then);
  }

  /// Revokes the login with that id of `user`.
  public void revoke(
      User user, String loginId, SerialExecutor home, Consumer<Optional<Refusal>> then) {
    revoke(login(user, loginId, 0), home, then);
  }

  /// The login with that id, or what can be said of one that is not known any more. Its access
  /// tokens may live on, so it can still be revoked.
  private Login login(User user, String loginId, int generation) {
    long now = time.wallMs();
    return node.directory()
        .login(loginId)
        .orElseGet(() ->
            new Login(
                loginId,
                user.id(),
                user.username(),
                now,
                now,
                Optional.empty(),
                generation,
                "",
                Optional.empty()));
  }

  private <R> void submit(
      Command<R> command, SerialExecutor home, Consumer<Optional<Refusal>> then) {
    node.submit(
        command,
        home,
        outcome ->
            then.accept(
                switch (outcome) {
                  case Outcome.Done<R> _ -> Optional.empty();
                  case Outcome.Refused<R>(Refusal refusal) ->
                      // With the user all its logins are gone.
                      refusal.code() == Refusal.Code.USER_MISSING
                          ? Optional.empty()
                          : Optional.of(refusal);
                }));
  }
}
