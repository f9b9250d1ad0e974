// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.app.client.AdminSocket;
import dev.tidings.system.crash.CommandProcess.Ended;
import dev.tidings.system.crash.Relay.Stored;
import dev.tidings.system.crash.ServerProcess.Launch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// `tidings backup`, `verify-backup` and `restore`, with servers that are used meanwhile, and
/// killed.
@Tag("embedded")
@Timeout(120)
final class BackupTest {
  private static final long MIB = 1 << 20;
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String TOPIC = "kept";
  private static final String USER = "somebody";
  private static final String PASSWORD = "password-of-somebody";

  @TempDir private Path folder;

  private static ServerProcess newServer() {
    return new ServerProcess(Launch.serve(ServerProcess.newDirectory()));
  }

  private ServerProcess restoredServer(Path backup) {
    Path dataDir = folder.resolve("restored");
    tidings("restore", backup, "--data-dir", dataDir).expect(0);
    return new ServerProcess(Launch.serve(dataDir));
  }

  private Ended tidings(Object... command) {
    return CommandProcess.run(folder, command);
  }

  private Path backup(ServerProcess server, String name) {
    Path target = folder.resolve(name);
    Ended ended = tidings("backup", target, "--data-dir", server.dataDir()).expect(0);
    JsonNode written = Relay.parse(ended.output());
    assertThat(written.get("target").asString()).isEqualTo(target.toString());
    assertThat(written.get("files").asInt()).isPositive();
    assertThat(written.get("bytes").asLong()).isPositive();
    return target;
  }

  /// So many MiB that do not compress, in messages numbered from 0.
  private static int fill(Relay relay, int mib) {
    var random = new Random(mib);
    int number = 0;
    for (int i = 0; i < mib; i++) {
      var messages = new ArrayList<Map<String, ?>>();
      for (int j = 0; j < 25; j++) {
        byte[] noise = new byte[31_000];
        random.nextBytes(noise);
        String filler = Base64.getEncoder().encodeToString(noise);
        messages.add(
            Map.of("topic", TOPIC, "payload", Map.of("p", 0, "n", number++, "filler", filler)));
      }
      relay.bulk(messages).expect(207);
    }
    return number;
  }

  private static int count(Relay relay) {
    return relay.readAll(List.of(TOPIC)).get(TOPIC).size();
  }

  @Test
  void madeUnderLoad_hasAllThatWasAnsweredBefore_andGoesOnWithOtherIds() {
    try (var server = newServer()) {
      Relay relay = server.start();
      relay
          .post(
              "/auth/register",
              Map.of("username", USER, "password", PASSWORD, "permissions", List.of("read")))
          .expect(201);
      var ledger = new Ledger();
      Map<String, List<Stored>> before;
      Path backup;
      try (Load _ = Load.start(relay, ledger, KillTest.TOPICS, Load.publishers(6, 1))) {
        Waiting.until("messages answered", SOON, () -> ledger.answered() > 1_000);
        before = relay.readAll(KillTest.TOPICS);
        String last = relay.publishNumber(TOPIC, 0);
        int answered = ledger.answered();
        backup = backup(server, "backup");
        assertThat(last).isNotEmpty();
        Waiting.until("publishing goes on", SOON, () -> ledger.answered() > answered + 500);
      }
      Map<String, List<Stored>> after = relay.readAll(KillTest.TOPICS);
      ledger.check(after);
      String lost = relay.publishNumber(TOPIC, 1);
      assertThat(tidings("verify-backup", backup).expect(0).output())
          .contains("\"created\":\"20", "\"files\":");

      try (var restored = restoredServer(backup)) {
        Relay again = restored.start();
        Map<String, List<Stored>> there = again.readAll(KillTest.TOPICS);
        for (String topic : KillTest.TOPICS) {
          List<Stored> messages = there.get(topic);
          assertThat(messages).startsWith(before.get(topic).toArray(Stored[]::new));
          assertThat(after.get(topic)).startsWith(messages.toArray(Stored[]::new));
        }
        List<Stored> kept = again.readAll(List.of(TOPIC)).get(TOPIC);
        assertThat(kept).extracting(Stored::number).containsExactly(0);
        assertThat(again.get("/auth/me").expect(200).json().get("username").asString())
            .isEqualTo(ServerProcess.ADMIN);
        Relay.login(restored.url(), USER, PASSWORD).get("/auth/me").expect(200);

        // Who has what the restored server never had is told, and so is who has not.
        String next = again.publishNumber(TOPIC, 2);
        assertThat(next).isNotEqualTo(lost);
        for (String since : List.of(lost, kept.getLast().id())) {
          JsonNode poll = again.pollAfter(TOPIC, since);
          assertThat(poll.get("messages")).hasSize(1);
          assertThat(poll.get("messages").get(0).get("message_id").asString()).isEqualTo(next);
          assertThat(poll.get("gaps")).hasSize(1);
          assertThat(poll.get("gaps").get(0).get("to").asString()).isEqualTo(next);
        }
        assertThat(again.pollAfter(TOPIC, next).path("gaps")).isEmpty();
        restored.kill9();
        String later = restored.start().publishNumber(TOPIC, 3);
        assertThat(restored.relay().pollAfter(TOPIC, next).path("gaps"))
            .as("gaps after %s and before %s", next, later)
            .isEmpty();
      }
    }
  }

  @Test
  @Tag("long")
  void withoutServer_isMadeOfTheStore_andNotOfNothing() {
    try (var server = newServer()) {
      server.start().publishNumber(TOPIC, 0);
      assertThat(server.terminate()).isZero();
      Path backup = backup(server, "offline");
      try (var restored = restoredServer(backup)) {
        assertThat(count(restored.start())).isEqualTo(1);
      }
    }
    Path typo = folder.resolve("typo");
    assertThat(tidings("backup", folder.resolve("b"), "--data-dir", typo).expect(1).errors())
        .contains("there is no store in " + typo);
    assertThat(typo).doesNotExist();
    assertThat(folder.resolve("b")).doesNotExist();
  }

  @Test
  void overTheSocket_checksItsTarget_andThePortHasNoSuchCall() throws Exception {
    try (var server = newServer()) {
      Relay relay = server.start();
      relay.post("/admin/backup", Map.of("target", folder.resolve("b").toString())).expect(404);
      for (String body :
          List.of(
              "{\"target\":\"relative\"}", "{\"target\":7}", "{\"target\":\"\"}", "{}", "[", "")) {
        assertThat(post(server, body).status()).as(body).isEqualTo(422);
      }
      Path taken = Files.writeString(folder.resolve("taken"), "mine");
      AdminSocket.Answer answer = post(server, Relay.write(Map.of("target", taken.toString())));
      assertThat(answer.status()).isEqualTo(409);
      assertThat(answer.detail()).contains("taken exists");
      assertThat(taken).hasContent("mine");
      assertThat(tidings("backup", taken, "--data-dir", server.dataDir()).expect(1).errors())
          .contains("taken exists (expected: a new name, or an empty directory)");
    }
  }

  private static AdminSocket.Answer post(ServerProcess server, String body) throws Exception {
    try (AdminSocket socket = AdminSocket.connect(server.dataDir()).orElseThrow()) {
      return socket.post("/admin/backup", body);
    }
  }

  @Test
  void storeInMemory_isRefused() {
    var launch = Launch.serve(ServerProcess.newDirectory()).with("STORE_TYPE", "memory");
    try (var server = new ServerProcess(launch)) {
      server.start();
      Path target = folder.resolve("b");
      assertThat(tidings("backup", target, "--data-dir", server.dataDir()).expect(1).errors())
          .contains("the store is in memory");
      assertThat(target).doesNotExist();
    }
  }

  @Test
  void restore_ofADamagedBackupOrOntoSomething_changesNothing() throws Exception {
    try (var server = newServer()) {
      Relay relay = server.start();
      relay.publishNumber(TOPIC, 0);
      Path backup = backup(server, "backup");

      assertThat(tidings("restore", backup, "--data-dir", server.dataDir()).expect(1).errors())
          .contains("is in use by process");
      Path full = Files.createDirectory(folder.resolve("full"));
      Files.writeString(full.resolve("file"), "mine");
      assertThat(tidings("restore", backup, "--data-dir", full).expect(1).errors())
          .contains("is not empty: it holds file", "move it away");
      assertThat(full.toFile().list()).containsExactly("file");

      Path table = anyTable(backup);
      byte[] bytes = Files.readAllBytes(table);
      bytes[bytes.length / 3] ^= 1;
      Files.delete(table);
      Files.write(table, bytes);
      Path dataDir = folder.resolve("new");
      for (Ended refused :
          List.of(
              tidings("restore", backup, "--data-dir", dataDir),
              tidings("verify-backup", backup))) {
        assertThat(refused.expect(1).errors()).contains("the backup is damaged: " + table);
      }
      assertThat(dataDir).doesNotExist();
      assertThat(count(relay)).isEqualTo(1);
    }
  }

  private static Path anyTable(Path backup) throws IOException {
    try (Stream<Path> files = Files.list(backup.resolve("db"))) {
      return files.filter(file -> file.toString().endsWith(".sst")).findFirst().orElseThrow();
    }
  }

  @Test
  @Tag("long")
  void serverKilledInABackup_leavesNoBackup_andLosesNothing() {
    try (var server = newServer()) {
      int messages = fill(server.start(), 40);
      Path target = folder.resolve("backup");
      Path partial = folder.resolve("backup.partial");
      CommandProcess command =
          CommandProcess.start(folder, "backup", target, "--data-dir", server.dataDir());
      Waiting.until("the backup has begun", SOON, () -> Files.exists(partial));
      server.kill9();

      Ended ended = command.await();
      if (Files.exists(target)) {
        tidings("verify-backup", target).expect(0);
      } else {
        assertThat(ended.expect(1).errors()).contains("may not be there");
        assertThat(Files.exists(partial)).isTrue();
      }
      assertThat(count(server.start())).isEqualTo(messages);
      assertThat(server.dataDir().resolve("store").resolve("backup")).doesNotExist();
      if (Files.exists(partial)) {
        assertThat(tidings("backup", target, "--data-dir", server.dataDir()).expect(1).errors())
            .contains("backup.partial is there", "delete that directory");
      }
      backup(server, "another");
    }
  }

  @Test
  @Tag("long")
  void serverStoppedInABackup_endsAndLeavesNothing() {
    try (var server = newServer()) {
      fill(server.start(), 40);
      Path target = folder.resolve("backup");
      Path partial = folder.resolve("backup.partial");
      CommandProcess command =
          CommandProcess.start(folder, "backup", target, "--data-dir", server.dataDir());
      Waiting.until("the backup has begun", SOON, () -> Files.exists(partial));
      assertThat(server.terminate()).isZero();

      command.await();
      assertThat(partial).doesNotExist();
      if (Files.exists(target)) {
        tidings("verify-backup", target).expect(0);
      }
    }
  }

  @Test
  @Tag("long")
  void restoreKilled_leavesWhatNoServerStartsOn_andBeginsAnew() {
    try (var server = newServer()) {
      int messages = fill(server.start(), 40);
      assertThat(server.terminate()).isZero();
      Path backup = backup(server, "backup");
      Path dataDir = folder.resolve("restored");
      Path mark = dataDir.resolve("store").resolve("restoring");
      CommandProcess command =
          CommandProcess.start(folder, "restore", backup, "--data-dir", dataDir);
      Waiting.until("the restore has begun", SOON, () -> Files.exists(mark));
      command.kill9();

      try (var restored = new ServerProcess(Launch.serve(dataDir))) {
        assertThat(mark).exists();
        assertThatThrownBy(restored::start)
            .hasMessageContaining("unfinished restore: run `tidings restore` again");
        tidings("restore", backup, "--data-dir", dataDir).expect(0);
        assertThat(count(restored.start())).isEqualTo(messages);
      }
    }
  }

  @Test
  @Tag("long")
  void fullDisk_leavesNoBackup_andNoStoreToStartOn() throws Exception {
    try (SmallDisk disk = SmallDisk.mount();
        var server = newServer()) {
      Relay relay = server.start();
      int messages = fill(relay, 10);
      Path target = disk.path().resolve("backup");
      disk.fill(4 * MIB);
      assertThat(tidings("backup", target, "--data-dir", server.dataDir()).expect(1).errors())
          .contains("was not written", "No space left");
      assertThat(disk.path().toFile().list()).containsExactly("ballast");
      assertThat(relay.isReady()).isTrue();
      Path backup = backup(server, "elsewhere");

      Path dataDir = disk.path().resolve("data");
      assertThat(tidings("restore", backup, "--data-dir", dataDir).expect(1).errors())
          .contains("was not restored", "No space left", "unfinished restore");

      disk.empty();
      tidings("backup", target, "--data-dir", server.dataDir()).expect(0);
      tidings("verify-backup", target).expect(0);
      tidings("restore", backup, "--data-dir", dataDir).expect(0);
      var launch = Launch.serve(dataDir).with("STORE_DISK_LOW_WATER", "0B");
      try (var restored = new ServerProcess(launch)) {
        assertThat(count(restored.start())).isEqualTo(messages);
      }
    }
  }
}
