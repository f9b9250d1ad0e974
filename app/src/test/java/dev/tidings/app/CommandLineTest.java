// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class CommandLineTest {
  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  /// All commands that do something, as they are typed.
  static Stream<List<String>> commands() {
    return leaves(Main.commandLine(CommandLineTest::refuse), List.of());
  }

  private static Stream<List<String>> leaves(CommandLine command, List<String> path) {
    if (command.getSubcommands().isEmpty()) {
      return Stream.of(path);
    }
    return command.getSubcommands().entrySet().stream()
        // Help names a command by its first name.
        .filter(entry -> entry.getKey().equals(entry.getValue().getCommandName()))
        .flatMap(entry -> {
          List<String> longer = new ArrayList<>(path);
          longer.add(entry.getKey());
          return leaves(entry.getValue(), longer);
        });
  }

  @ParameterizedTest
  @MethodSource("commands")
  void help_ofEveryCommand_hasAnExample(List<String> command) {
    List<String> line = new ArrayList<>(command);
    line.add("--help");
    assertThat(run(line.toArray(String[]::new))).isZero();
    assertThat(out.toString())
        .contains("Usage: tidings " + String.join(" ", command))
        .containsPattern("Examples?:\n  .*tidings " + String.join(" ", command));
    assertThat(err.toString()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "serv, Did you mean serve?",
    "create-usr, Did you mean create-user?",
    "serve --prot 1, Did you mean --port?",
    "tail, Missing required parameter: 'TOPIC'",
    "tail a b --from msg_1, expected: one topic",
    "tail a --count 0, --count: 0 (expected: at least 1)",
    "tail a --url nowhere, --url: nowhere (expected: an address such as http://localhost:8080)",
    "tail a --url http://192.0.2.1, nobody to log in as",
    "tail a --token x --user y, expected: one",
    "publish a text, expected: a JSON object such as",
    "publish a {} --ttl 0, --ttl: 0 (expected: at least 1 second)",
    "config, config show or config check",
    "serve --port 99999 --dev, server.port: 99999 (expected: a whole number from 0 to 65535)",
    "serve --config no-such.yaml --dev, file: no-such.yaml",
    "create-user al --password-stdin --password x, expected: one",
    "create-user alice --permission rule, rule",
    "backup, Missing required parameter: 'TARGET_DIR'",
    "restore, Missing required parameter: 'BACKUP_DIR'",
    "verify-backup a b, Unmatched argument",
    "db-migrate now, Unmatched argument",
    "cleanup-acked-messages --older-than 5, Unknown option",
    "server --prot 1, Did you mean --port?",
  })
  void wrongUse_isToldWithCode2(String line, String told) {
    assertThat(run(line.split(" ", -1))).isEqualTo(2);
    assertThat(err.toString()).contains(told);
    assertThat(out.toString()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "server, serve",
    "db_migrate, db-migrate",
    "cleanup_acked_messages, cleanup-acked-messages",
    "cleanup_stuck_messages, cleanup-stuck-messages",
  })
  void otherName_isTheSameCommand(String name, String command) {
    assertThat(run(name, "--help")).isZero();
    assertThat(out.toString()).contains("Usage: tidings " + command);
  }

  @Test
  void noCommand_isWrongUse() {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString()).contains("which command?");
  }

  @Test
  void secretKeys_are32HexDigits_andDiffer() {
    assertThat(run("generate-secret-key")).isZero();
    assertThat(run("generate-secret-key")).isZero();
    assertThat(out.toString().lines().distinct().toList())
        .hasSize(2)
        .allMatch(line -> line.matches("new_secret=[0-9a-f]{32}"));
  }

  @Test
  void configCheck_ofAUsableConfiguration_saysOk() {
    assertThat(run("config", "check", "--dev")).isZero();
    assertThat(out.toString()).isEqualToIgnoringNewLines("ok");
  }

  @Test
  void configShow_namesSources() {
    assertThat(run("config", "show", "--port", "9000")).isZero();
    assertThat(out.toString())
        .contains("  port: 9000 # --port")
        .contains("  # secret-key: (not set)");
  }

  @Test
  void serve_thatCannotStart_tellsOneLine() {
    String dataDir = folder.resolve("data").toString();
    assertThat(run("serve", "--dev", "--data-dir", dataDir)).isEqualTo(1);
    assertThat(err.toString().lines()).containsExactly("tidings: the port is taken");
  }

  @Test
  void createUser_withoutServer_createsItInTheStore_andOnlyOnce() {
    String[] line = {
      "create-user", "alice", "--data-dir", folder.resolve("data").toString(), "--password=12345678"
    };
    assertThat(run(line)).isZero();
    assertThat(out.toString()).contains("\"username\":\"alice\"", "\"is_active\":true");

    assertThat(run(line)).isEqualTo(1);
    assertThat(err.toString()).contains("Username 'alice' already exists");
  }

  /// Without a server it printed the user and kept nothing, since this store ends with its process.
  @Test
  void createUser_inAStoreInMemoryWithoutServer_isRefused() {
    String data = folder.toString();
    assertThat(
            run(
                "create-user",
                "alice",
                "--store=memory",
                "--data-dir",
                data,
                "--password=12345678"))
        .isEqualTo(1);
    assertThat(err.toString()).contains("alice was not created", "store.type is memory");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void createUser_withAShortPassword_isWrongUse() {
    assertThat(run("create-user", "alice", "--data-dir", folder.toString(), "--password=1234567"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("password: 7 characters (expected: at least 8)");
  }

  @Test
  void dbMigrate_withoutServer_makesTheStore_andThenFindsIt() {
    String data = folder.resolve("data").toString();
    assertThat(run("db-migrate", "--data-dir", data)).isZero();
    assertThat(err.toString()).contains("made an empty store in " + data, "format tidings-rocksdb");

    assertThat(run("create-user", "alice", "--password=12345678", "--data-dir", data)).isZero();
    out.getBuffer().setLength(0);
    assertThat(run("db_migrate", "--data-dir", data)).isZero();
    assertThat(err.toString()).contains("is up to date; it holds 0 topics and 1 users");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void dbMigrate_whereNoStoreCanBe_isRefused() throws Exception {
    Path data = Files.createDirectories(folder.resolve("data"));
    Files.writeString(data.resolve("store"), "not a directory");
    assertThat(run("db-migrate", "--data-dir", data.toString())).isEqualTo(1);
    assertThat(err.toString()).contains("the store was not migrated");
  }

  @Test
  void dbMigrate_ofAStoreInMemory_hasNothingToDo() {
    String data = folder.resolve("data").toString();
    assertThat(run("db-migrate", "--store=memory", "--data-dir", data)).isZero();
    assertThat(err.toString()).contains("there is nothing to migrate");
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cleanup-acked-messages",
        "cleanup_acked_messages",
        "cleanup-stuck-messages",
        "cleanup_stuck_messages"
      })
  void cleanup_withoutServer_doesNothing_andSaysWhoDoes(String command) {
    String data = folder.resolve("data").toString();
    assertThat(run(command, "--data-dir", data)).isZero();
    assertThat(err.toString())
        .contains("no server runs on " + data, "a server cleans up by itself");
    assertThat(out.toString()).isEmpty();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void backupAndRestore_withoutServer_bringAUserBack() {
    String data = folder.resolve("data").toString();
    String backup = folder.resolve("backup").toString();
    String restored = folder.resolve("restored").toString();
    String[] user = {"create-user", "alice", "--password=12345678", "--data-dir"};
    assertThat(run(with(user, data))).isZero();
    assertThat(run("backup", backup, "--data-dir", data)).isZero();
    assertThat(out.toString()).contains("{\"target\":\"" + backup + "\",\"files\":");
    assertThat(run("verify-backup", backup)).isZero();
    assertThat(run("restore", backup, "--data-dir", restored)).isZero();
    assertThat(err.toString()).contains("restored to " + restored, "no id is given twice");

    assertThat(run(with(user, restored))).isEqualTo(1);
    assertThat(err.toString()).contains("Username 'alice' already exists");
    assertThat(run("restore", backup, "--data-dir", restored)).isEqualTo(1);
    assertThat(err.toString()).contains(restored + " is not empty: it holds store");
  }

  @Test
  void createClient_withoutServer_createsItInTheStore_underBothNames() {
    String data = folder.resolve("data").toString();
    for (String name : List.of("create-client", "create_client")) {
      out.getBuffer().setLength(0);
      assertThat(run(name, "My Application", "topics:read", "false", "--data-dir", data)).isZero();
      assertThat(out.toString().lines())
          .satisfiesExactly(
              id ->
                  assertThat(id)
                      .matches(
                          "client_id=[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f-]{16}"),
              secret -> assertThat(secret).matches("client_secret=[0-9a-f]{32}"));
    }
    assertThat(run("create-client", "a", "--store=memory", "--data-dir", data)).isEqualTo(1);
    assertThat(err.toString()).contains("client a was not created", "store.type is memory");
  }

  @ParameterizedTest
  @CsvSource({
    "topics:write, true, Invalid scope topics:write",
    "'  ', true, SCOPES are empty",
    "*, perhaps, perhaps",
  })
  void createClient_ofWhatIsNone_isWrongUse(String scopes, String active, String told) {
    assertThat(run("create-client", "a", scopes, active, "--data-dir", folder.toString()))
        .isEqualTo(2);
    assertThat(err.toString()).contains(told);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void createClient_needsANameAlone_asLongAsInTheApi() {
    String data = folder.resolve("data").toString();
    assertThat(run("create-client", "--data-dir", data)).isEqualTo(2);
    assertThat(err.toString()).contains("Missing required parameter: 'NAME'");
    assertThat(run("create-client", "n".repeat(256), "--data-dir", data)).isEqualTo(2);
    assertThat(err.toString()).contains("NAME has 256 characters (expected: 1 to 255)");
    assertThat(folder).isEmptyDirectory();
    assertThat(run("create-client", "n".repeat(255), "--data-dir", data)).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate-secret-key", "generate_secret_key"})
  void generateSecretKey_printsOne_underBothNames(String name) {
    assertThat(run(name)).isZero();
    assertThat(out.toString().strip()).matches("new_secret=[0-9a-f]{32}");
  }

  private static String[] with(String[] line, String last) {
    return Stream.concat(Stream.of(line), Stream.of(last)).toArray(String[]::new);
  }

  @Test
  void backupAndRestore_ofWhatIsNone_makeNothing() {
    String data = folder.resolve("data").toString();
    String backup = folder.resolve("backup").toString();
    assertThat(run("backup", backup, "--data-dir", data)).isEqualTo(1);
    assertThat(err.toString()).contains("there is no store in " + data);
    assertThat(run("backup", backup, "--data-dir", data, "--store=memory")).isEqualTo(1);
    assertThat(err.toString()).contains("there is nothing to make a backup of");
    assertThat(run("verify-backup", folder.toString())).isEqualTo(1);
    assertThat(run("restore", folder.toString(), "--data-dir", data)).isEqualTo(1);
    assertThat(err.toString()).contains(folder + " is no backup: it has no backup.manifest");
    assertThat(run("restore", folder.toString(), "--data-dir", data, "--store=memory"))
        .isEqualTo(1);
    assertThat(err.toString()).contains("nothing would keep what is restored");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void backupAndRestore_ofADatabase_areLeftToItsTools() {
    String[] database = {
      "--store=postgresql", "--store-url=postgresql://127.0.0.1:1/none", "--store-user=me"
    };
    String data = folder.resolve("data").toString();
    for (String command : List.of("backup", "restore")) {
      assertThat(run(and(new String[] {command, data, "--data-dir", data}, database))).isEqualTo(1);
    }
    assertThat(err.toString()).contains("pg_dump", "pg_restore", "select tidings_restored()");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void database_thatIsNotThere_isToldWithoutItsPassword() {
    String[] database = {
      "--store=postgresql",
      "--store-url=postgresql://127.0.0.1:1/none",
      "--store-user=me",
      "--store-password=hidden-word"
    };
    String data = folder.resolve("data").toString();
    assertThat(run(and(new String[] {"db-migrate", "--data-dir", data}, database))).isEqualTo(1);
    assertThat(run(and(new String[] {"create-client", "a", "--data-dir", data}, database)))
        .isEqualTo(1);
    assertThat(err.toString())
        .contains("the store was not migrated: ", "client a was not created: ", "127.0.0.1:1")
        .doesNotContain("hidden-word", "unexpected");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void configShow_ofADatabase_masksItsPassword() {
    assertThat(
            run(
                "config",
                "show",
                "--store=postgresql",
                "--store-url=postgresql://localhost/tidings",
                "--store-user=me",
                "--store-password=hidden-word",
                "--take-over"))
        .isZero();
    assertThat(out.toString())
        .contains("password: \"********\" # --store-password", "take-over: true # --take-over")
        .doesNotContain("hidden-word");
  }

  private static String[] and(String[] line, String[] more) {
    return Stream.concat(Stream.of(line), Stream.of(more)).toArray(String[]::new);
  }

  private int run(String... line) {
    return Main.commandLine(CommandLineTest::refuse)
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(line);
  }

  private static ServeCommand.Running refuse(Object config) throws StartException {
    throw new StartException("the port is taken");
  }
}
