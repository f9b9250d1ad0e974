// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tidings.app.config.ConfigSources.Flag;
import dev.tidings.app.config.Configuration.Purpose;
import dev.tidings.server.wire.AddressRange;
import dev.tidings.server.wire.HostPattern;
import dev.tidings.server.wire.Origin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationTest {
  private static final String SECRET = "0123456789abcdef0123456789abcdef";
  private static final String PASSWORD = "1020304050";
  private static final String DATABASE = "postgresql://db.example:5432/tidings?currentSchema=mq";

  @TempDir Path folder;

  /// Every key: its default and another value in its range, as written and as read.
  private static final Map<String, Sample> SAMPLES =
      Map.ofEntries(
          entry("server.host", new Sample("0.0.0.0", "localhost", "localhost")),
          entry("server.port", new Sample("8080", "9000", 9000)),
          entry("server.plain", new Sample("true", "false", false)),
          entry("tls.port", new Sample("", "8443", Optional.of(8443))),
          entry(
              "tls.certificate",
              new Sample("", "/x/cert.pem", Optional.of(Path.of("/x/cert.pem")))),
          entry(
              "tls.private-key", new Sample("", "/x/key.pem", Optional.of(Path.of("/x/key.pem")))),
          entry("tls.reload-interval", new Sample("10s", "1m", Duration.ofMinutes(1))),
          entry("server.max-body-size", new Sample("8MiB", "2MiB", 2L << 20)),
          entry("server.max-connections", new Sample("20000", "7", 7)),
          entry("server.shutdown-timeout", new Sample("10s", "5s", Duration.ofSeconds(5))),
          entry("server.event-loops", new Sample("0", "3", 3)),
          entry("server.pages", new Sample("true", "false", false)),
          entry(
              "server.trusted-hosts",
              new Sample(
                  "",
                  "relay.example.com, *.Example.org",
                  List.of(new HostPattern("relay.example.com"), new HostPattern("*.example.org")))),
          entry(
              "server.allowed-origins",
              new Sample(
                  "",
                  "https://app.example.com, http://localhost:3000",
                  List.of(
                      new Origin("https://app.example.com"), new Origin("http://localhost:3000")))),
          entry(
              "server.trusted-proxies",
              new Sample(
                  "",
                  "10.0.0.0/8, fd00::1",
                  List.of(
                      AddressRange.parse("10.0.0.0/8").orElseThrow(),
                      AddressRange.parse("fd00::1/128").orElseThrow()))),
          entry("server.allow-insecure-settings", new Sample("false", "true", true)),
          entry("websocket.ping-interval", new Sample("25s", "1m", Duration.ofMinutes(1))),
          entry("websocket.first-frame-timeout", new Sample("60s", "2s", Duration.ofSeconds(2))),
          entry("websocket.max-frame-size", new Sample("64KiB", "1KiB", 1024L)),
          entry("websocket.max-topics", new Sample("50", "51", 51)),
          entry("websocket.send-buffer-size", new Sample("256KiB", "4096", 4096L)),
          entry("websocket.max-publishing", new Sample("256", "1", 1)),
          entry("poll.max-topics", new Sample("1000", "21", 21)),
          entry("poll.max-waiters", new Sample("10000", "5000", 5000)),
          entry("poll.max-waiters-per-user", new Sample("1000", "5", 5)),
          entry("auth.secret-key", new Sample("", SECRET, Optional.of(new Secret(SECRET)))),
          entry("auth.access-token-lifetime", new Sample("1h", "2d", Duration.ofDays(2))),
          entry("auth.refresh-token-lifetime", new Sample("30d", "7d", Duration.ofDays(7))),
          entry("auth.logins-per-user", new Sample("1000", "5", 5)),
          entry("auth.client-token-lifetime", new Sample("30m", "5m", Duration.ofMinutes(5))),
          entry("auth.password-hash.memory", new Sample("19MiB", "64MiB", 64L << 20)),
          entry("auth.password-hash.iterations", new Sample("2", "3", 3)),
          entry("auth.password-hash.concurrency", new Sample("2", "4", 4)),
          entry("auth.password-hash.queue", new Sample("64", "65", 65)),
          entry("auth.bootstrap-admin.username", new Sample("", "alice", "alice")),
          entry("auth.bootstrap-admin.password", new Sample("", PASSWORD, new Secret(PASSWORD))),
          entry("auth.bootstrap-admin.email", new Sample("", "a@b.c", Optional.of("a@b.c"))),
          entry(
              "store.type",
              new Sample("rocksdb", "postgresql", TidingsConfig.StoreType.POSTGRESQL)),
          entry("store.data-dir", new Sample("./tidings-data", "/var/x", Path.of("/var/x"))),
          entry("store.durability", new Sample("fsync", "memory", TidingsConfig.Durability.MEMORY)),
          entry("store.disk-low-water", new Sample("256MiB", "1GiB", 1L << 30)),
          entry("store.url", new Sample("", DATABASE, Optional.of(DATABASE))),
          entry("store.user", new Sample("", "tidings", Optional.of("tidings"))),
          entry("store.password", new Sample("", PASSWORD, Optional.of(new Secret(PASSWORD)))),
          entry("store.connections", new Sample("10", "5", 5)),
          entry("store.migrate", new Sample("true", "false", false)),
          entry("store.take-over", new Sample("false", "true", true)),
          entry("store.rocksdb.block-cache-size", new Sample("256MiB", "512MiB", 512L << 20)),
          entry("store.rocksdb.write-buffer-size", new Sample("64MiB", "2MiB", 2L << 20)),
          entry("retention.max-age", new Sample("24h", "7d", Duration.ofDays(7))),
          entry("retention.max-messages", new Sample("1000000", "3000000000", 3_000_000_000L)),
          entry("retention.max-bytes", new Sample("0B", "1TiB", 1L << 40)),
          entry("retention.sweep-interval", new Sample("10s", "100ms", Duration.ofMillis(100))),
          entry("pubsub.anonymous", new Sample("none", "all", TidingsConfig.Anonymous.ALL)),
          entry("pubsub.max-delivery-attempts", new Sample("5", "1", 1)),
          entry("pubsub.backoff-min", new Sample("5s", "1s", Duration.ofSeconds(1))),
          entry("pubsub.backoff-max", new Sample("300s", "10m", Duration.ofMinutes(10))),
          entry("subscriptions.ack-deadline", new Sample("60s", "1s", Duration.ofSeconds(1))),
          entry("subscriptions.max-outstanding", new Sample("100000", "10", 10)),
          entry("subscriptions.max-parked", new Sample("100000", "15", 15)),
          entry("subscriptions.max-dead-letters", new Sample("100000", "20", 20)),
          entry("subscriptions.max-wait", new Sample("60s", "20s", Duration.ofSeconds(20))),
          entry("subscriptions.limit", new Sample("1000000", "30", 30)),
          entry("subscriptions.per-topic", new Sample("1000", "3", 3)),
          entry("subscriptions.backlog-max-age", new Sample("7d", "1d", Duration.ofDays(1))),
          entry("subscriptions.backlog-max-bytes", new Sample("16GiB", "1GiB", 1L << 30)),
          entry("scheduled.limit", new Sample("10000000", "30", 30L)),
          entry("scheduled.max-delay", new Sample("366d", "7d", Duration.ofDays(7))),
          entry("streams.anonymous", new Sample("none", "all", TidingsConfig.Anonymous.ALL)),
          entry("streams.max-size", new Sample("1000000", "100", 100)),
          entry("streams.max-timeout", new Sample("300s", "30s", Duration.ofSeconds(30))),
          entry("streams.max-ttl", new Sample("365d", "1d", Duration.ofDays(1))),
          entry("streams.idle-time", new Sample("60s", "1s", Duration.ofSeconds(1))),
          entry("streams.deduplication-window", new Sample("60s", "0s", Duration.ZERO)),
          entry("streams.limit", new Sample("10000000", "30", 30)),
          entry("streams.durable-limit", new Sample("1000000", "4", 4)),
          entry("streams.limit-per-user", new Sample("2000000", "3", 3)),
          entry("streams.max-waiters", new Sample("100000", "50", 50)),
          entry("streams.max-waiters-per-user", new Sample("50000", "5", 5)),
          entry("exchanges.anonymous", new Sample("none", "all", TidingsConfig.Anonymous.ALL)),
          entry("exchanges.limit", new Sample("10000", "5", 5)),
          entry("exchanges.queue-limit", new Sample("100000", "6", 6)),
          entry("exchanges.binding-limit", new Sample("1000000", "7", 7)),
          entry("memory.transient-queues-size", new Sample("256MiB", "1MiB", 1L << 20)),
          entry("memory.scheduled-size", new Sample("64MiB", "1MiB", 1L << 20)),
          entry("memory.streams-size", new Sample("256MiB", "1MiB", 1L << 20)),
          entry("memory.hot-tier-size", new Sample("256MiB", "1MiB", 1L << 20)),
          entry("memory.page-cache-size", new Sample("64MiB", "1MiB", 1L << 20)),
          entry("limits.pending-commands", new Sample("20000", "1", 1)),
          entry("limits.pending-bytes", new Sample("64MiB", "65MiB", 65L << 20)),
          entry("limits.batch-messages", new Sample("5000", "100", 100)),
          entry("limits.batch-bytes", new Sample("4MiB", "1MiB", 1L << 20)),
          entry("limits.topics", new Sample("10000000", "1000", 1000)),
          entry("limits.grants-per-topic", new Sample("10000", "100", 100)),
          entry("limits.idempotency-retention", new Sample("10m", "20s", Duration.ofSeconds(20))),
          entry("limits.idempotency-keys-per-user", new Sample("10000", "100", 100)),
          entry("limits.idempotency-keys", new Sample("200000", "1000", 1000)),
          entry("rate-limits.login", new Sample("0", "5", 5)),
          entry("rate-limits.refresh", new Sample("0", "10", 10)),
          entry("rate-limits.publish", new Sample("0", "120", 120)),
          entry("rate-limits.bulk", new Sample("0", "30", 30)),
          entry("limits.connections-per-user", new Sample("10000", "10", 10)),
          entry("log.level", new Sample("info", "debug", TidingsConfig.LogLevel.DEBUG)),
          entry("log.format", new Sample("text", "json", TidingsConfig.LogFormat.JSON)),
          entry("log.access", new Sample("false", "true", true)),
          entry("metrics.max-topic-labels", new Sample("1000", "0", 0)),
          entry("dev", new Sample("false", "true", true)));

  /// @param standard the default as written, empty for none
  private record Sample(String standard, String written, Object read) {}

  static Stream<String> keys() {
    return KeyTree.keys().keySet().stream();
  }

  /// Keys with bounds, each with a value just outside.
  static Stream<String[]> outside() {
    return KeyTree.keys().values().stream()
        .flatMap(key -> {
          String max = key.setting().max();
          String above =
              switch (key.kind()) {
                case ValueKind.Text _ -> "x".repeat(Integer.parseInt(max) + 1);
                case ValueKind.Whole _ -> String.valueOf(Long.parseLong(max) + 1);
                case ValueKind.Size _, ValueKind.Time _ ->
                    max.isEmpty() ? "" : max.replaceFirst("\\d+", "99999999");
                case ValueKind.Hidden _ -> "x".repeat(Integer.parseInt(key.setting().min()) - 1);
                case ValueKind.Switch _ -> "yes";
                case ValueKind.Choice _ -> "other";
                case ValueKind.Folder _, ValueKind.FileName _ -> " ";
                case ValueKind.Items _ -> "10.0.0.1, two words";
              };
          String below =
              switch (key.kind()) {
                case ValueKind.Text _ -> "x".repeat(Integer.parseInt(key.setting().min()) - 1);
                case ValueKind.Whole _ -> String.valueOf(Long.parseLong(key.setting().min()) - 1);
                case ValueKind.Size _ -> key.setting().min().equals("0B") ? "" : "1B";
                case ValueKind.Time _ -> key.setting().min().equals("0s") ? "" : "1ms";
                default -> "";
              };
          return Stream.of(above, below)
              .filter(text -> !text.isEmpty() || key.kind() instanceof ValueKind.Text)
              .map(text -> new String[] {key.path(), text});
        });
  }

  @Test
  void samples_coverEveryKey() {
    assertThat(SAMPLES.keySet()).isEqualTo(KeyTree.keys().keySet());
  }

  @ParameterizedTest
  @MethodSource("keys")
  void key_notGiven_hasItsDefault(String path) throws Exception {
    TidingsConfig config = load(Map.of(), Map.of("TIDINGS_AUTH_SECRET_KEY", SECRET));
    String standard = sample(path).standard();
    if (path.equals("auth.secret-key")) {
      return; // The one key that must be given.
    }
    if (KeyTree.keys().get(path).kind() instanceof ValueKind.Items) {
      assertThat(read(config, path)).isEqualTo(List.of());
    } else if (standard.isEmpty()) {
      assertThat(config.auth().bootstrapAdmin()).isEmpty();
      assertThat(config.tls().port()).isEmpty();
      assertThat(config.store().url()).isEmpty();
      assertThat(config.store().user()).isEmpty();
      assertThat(config.store().password()).isEmpty();
    } else {
      assertThat(read(config, path)).isEqualTo(KeyTree.keys().get(path).parse(standard).get());
    }
  }

  @ParameterizedTest
  @MethodSource("keys")
  void key_inFile_isRead(String path) throws Exception {
    StringBuilder yaml = new StringBuilder();
    String indent = "";
    for (String name : path.split("\\.", -1)) {
      yaml.append(yaml.isEmpty() ? "" : ":\n").append(indent).append(name);
      indent += "  ";
    }
    yaml.append(": ").append(sample(path).written()).append('\n');
    Files.writeString(folder.resolve("tidings.yaml"), yaml);
    assertThat(read(load(Map.of(), around(path)), path)).isEqualTo(sample(path).read());
  }

  @ParameterizedTest
  @MethodSource("keys")
  void key_inEnvironment_isRead(String path) throws Exception {
    Map<String, String> environment = around(path);
    environment.put(environmentName(path), sample(path).written());
    assertThat(read(load(Map.of(), environment), path)).isEqualTo(sample(path).read());
  }

  @ParameterizedTest
  @MethodSource("outside")
  void key_outsideItsBounds_isRefused(String path, String text) {
    Map<String, String> environment = around(path);
    environment.put(environmentName(path), text);
    assertThat(errors(Map.of(), environment))
        .anySatisfy(error -> {
          assertThat(error.key()).isEqualTo(path);
          assertThat(error.expected()).isNotEmpty();
          assertThat(error.source()).isEqualTo(environmentName(path));
        });
  }

  @Test
  void sources_laterOnesWin() throws Exception {
    Files.writeString(
        folder.resolve("tidings.yaml"), "server: {port: 1, host: file, max-connections: 11}\n");
    TidingsConfig config =
        load(
            Map.of("server.port", new Flag("--port", "3")),
            Map.of(
                "TIDINGS_SERVER_PORT", "2",
                "TIDINGS_SERVER_HOST", "variable",
                "TIDINGS_AUTH_SECRET_KEY", SECRET));
    assertThat(config.server().port()).isEqualTo(3);
    assertThat(config.server().host()).isEqualTo("variable");
    assertThat(config.server().maxConnections()).isEqualTo(11);
  }

  @Test
  void severalErrors_areToldAtOnce_withTheirSources() throws IOException {
    Files.writeString(
        folder.resolve("tidings.yaml"),
        """
        server:
          prot: 9000
          max-body-size: huge
        retention: 5
        """);
    String file = folder.resolve("tidings.yaml").toString();
    assertThat(
            errors(
                Map.of("server.port", new Flag("--port", "70000")),
                Map.of("TIDINGS_STORE_TYP", "memory", "TIDINGS_LOG_LEVEL", "loud")))
        .extracting(ConfigError::toString)
        .containsExactlyInAnyOrder(
            "server.prot: unknown key (expected: server.port) [" + file + ":2]",
            "retention: unknown key (expected: a section with the keys max-age, max-messages,"
                + " max-bytes, sweep-interval) ["
                + file
                + ":4]",
            "TIDINGS_STORE_TYP: unknown variable (expected: TIDINGS_STORE_TYPE) [environment]",
            "server.port: 70000 (expected: a whole number from 0 to 65535) [--port]",
            "server.max-body-size: huge (expected: a size from 1KiB to 64MiB, such as 64MiB) ["
                + file
                + ":3]",
            "log.level: loud (expected: error or warn or info or debug or trace)"
                + " [TIDINGS_LOG_LEVEL]",
            "auth.secret-key: not set (expected: at least 32 characters: set"
                + " TIDINGS_AUTH_SECRET_KEY to what `tidings generate-secret-key` prints; to try"
                + " Tidings out, use --dev)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "server: {port: [1]}         | server.port: a list",
        "server: {port: }            | server.port: nothing",
        "server: {port: {a: 1}}      | server.port.a: unknown key",
        "{server.port: 1, server: {port: 2}} | server.port: given twice",
        "server: {host: &h x, port: *h} | server.port: an alias",
        "just a text                 | file: no mapping",
        "- a                         | file: no mapping",
        "'server: {port: 1'          | file: ",
      })
  void file_thatIsOtherThanSettings_isRefused(String yaml, String told) throws IOException {
    Files.writeString(folder.resolve("tidings.yaml"), yaml);
    assertThat(errors(Map.of(), Map.of("TIDINGS_AUTH_SECRET_KEY", SECRET)))
        .extracting(ConfigError::toString)
        .anyMatch(text -> text.startsWith(told.strip()))
        .allMatch(text -> text.contains("tidings.yaml:1"));
  }

  @Test
  void file_withTwoDocuments_isRefused() throws IOException {
    Files.writeString(folder.resolve("tidings.yaml"), "dev: true\n---\ndev: false\n");
    assertThat(errors(Map.of(), Map.of()))
        .extracting(ConfigError::value)
        .containsExactly("a second document");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "# nothing\n", "server:\n  # port: 1\nlog:\n"})
  void file_withoutValues_isFine(String yaml) throws Exception {
    Files.writeString(folder.resolve("tidings.yaml"), yaml);
    assertThat(load(Map.of(), Map.of("TIDINGS_DEV", "true")).dev()).isTrue();
  }

  @Test
  void namedFile_missing_isRefused() {
    ConfigSources sources =
        new ConfigSources(
            folder, Optional.of(Path.of("no.yaml")), Map.of("TIDINGS_DEV", "true"), Map.of());
    assertThat(errors(sources))
        .extracting(ConfigError::toString)
        .containsExactly("file: no.yaml (expected: a file that can be read) [--config]");
  }

  @Test
  void variables_thatSetNoKey_areLeftAlone() throws Exception {
    TidingsConfig config =
        load(
            Map.of(),
            Map.of(
                "TIDINGS_DEV", "true",
                "TIDINGS_JAVA_OPTS", "-Xmx1g",
                "TIDINGS_TOKEN", "abc",
                "TIDINGS_SERVICE_HOST", "10.0.0.1",
                "TIDINGS_PORT", "tcp://10.0.0.1:8080",
                "TIDINGS_PORT_8080_TCP_ADDR", "10.0.0.1",
                "OTHER", "x"));
    assertThat(config.server().port()).isEqualTo(8080);
  }

  @Test
  void dev_bindsToLoopback_andHasAnAdministrator() throws Exception {
    TidingsConfig config = load(Map.of("dev", new Flag("--dev", "true")), Map.of());
    assertThat(config.server().host()).isEqualTo("127.0.0.1");
    assertThat(config.auth().secretKey()).isEmpty();
    assertThat(config.auth().bootstrapAdmin().orElseThrow().username()).isEqualTo("admin");
    assertThat(config.auth().bootstrapAdmin().orElseThrow().password().value())
        .isEqualTo("tidings-dev");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "192.0.2.1", "::"})
  void dev_onAnotherAddress_isRefused(String host) {
    assertThat(
            errors(
                Map.of("dev", new Flag("--dev", "true"), "server.host", new Flag("--host", host)),
                Map.of()))
        .singleElement()
        .extracting(ConfigError::expected)
        .asString()
        .contains("loopback");
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "::1", "127.0.0.2"})
  void dev_onLoopback_isFine(String host) throws Exception {
    Map<String, Flag> flags =
        Map.of("dev", new Flag("--dev", "true"), "server.host", new Flag("--host", host));
    assertThat(load(flags, Map.of()).server().host()).isEqualTo(host);
  }

  @Test
  void dev_withAnOwnAdministrator_doesNotGetTheKnownPassword() {
    assertThat(
            errors(
                Map.of(),
                Map.of("TIDINGS_DEV", "true", "TIDINGS_AUTH_BOOTSTRAP_ADMIN_USERNAME", "alice")))
        .extracting(ConfigError::toString)
        .containsExactly(
            "auth.bootstrap-admin.password: not set (expected: at least 8 characters) [because"
                + " auth.bootstrap-admin is given]");
  }

  /// `config check` said ok, and the server then did not start.
  @Test
  void cacheBelowTwiceTheWriteBuffer_isRefused() {
    assertThat(
            errors(
                Map.of(),
                Map.of("TIDINGS_DEV", "true", "TIDINGS_STORE_ROCKSDB_BLOCK_CACHE_SIZE", "127MiB")))
        .extracting(ConfigError::toString)
        .containsExactly(
            "store.rocksdb.block-cache-size: 127MiB (expected: at least twice"
                + " store.rocksdb.write-buffer-size, which is 64MiB)"
                + " [TIDINGS_STORE_ROCKSDB_BLOCK_CACHE_SIZE]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "server: {trusted-hosts: [a.example, '*.b.example']}",
        "server:\n  trusted-hosts:\n    - a.example\n    - \"*.b.example\"\n",
        "server: {trusted-hosts: 'a.example,*.b.example'}"
      })
  void list_inFile_isAListOrATextWithCommas(String yaml) throws Exception {
    Files.writeString(folder.resolve("tidings.yaml"), yaml);
    assertThat(load(Map.of(), Map.of("TIDINGS_DEV", "true")).server().trustedHosts())
        .containsExactly(new HostPattern("a.example"), new HostPattern("*.b.example"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[a.example, [b]]", "[a.example, {b: c}]", "[null]", "[&x a.example, *x]"})
  void list_ofOtherThanTexts_isRefused(String list) throws IOException {
    Files.writeString(folder.resolve("tidings.yaml"), "server: {trusted-hosts: " + list + "}");
    assertThat(errors(Map.of(), Map.of("TIDINGS_DEV", "true")))
        .extracting(ConfigError::key)
        .containsExactly("server.trusted-hosts");
  }

  @Test
  void list_givenEmpty_takesBackTheFile() throws Exception {
    Files.writeString(folder.resolve("tidings.yaml"), "server: {trusted-hosts: a.example}");
    assertThat(
            load(Map.of(), Map.of("TIDINGS_DEV", "true", "TIDINGS_SERVER_TRUSTED_HOSTS", ""))
                .server()
                .trustedHosts())
        .isEmpty();
  }

  // ---- what everybody knows ----

  @ParameterizedTest
  @ValueSource(
      strings = {
        "your-secret-key-here-change-in-production",
        "REPLACE_WITH_SECURE_RANDOM_KEY_OF_32_CHARACTERS",
        "local-dev-jwt-secret-do-not-use-in-prod-min-32-bytes-long",
        "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
        "ssssssssssssssssssssssssssssssss",
        "0101010101010101010101010101010101"
      })
  void secret_thatEverybodyKnows_isRefusedEvenOnLoopback(String secret) throws Exception {
    Map<String, String> environment =
        Map.of("TIDINGS_AUTH_SECRET_KEY", secret, "TIDINGS_SERVER_HOST", "127.0.0.1");
    assertThat(errors(Map.of(), environment))
        .singleElement()
        .satisfies(error -> {
          assertThat(error.key()).isEqualTo("auth.secret-key");
          assertThat(error.toString())
              .contains("generate-secret-key", "server.allow-insecure-settings")
              .doesNotContain(secret);
        });
    Configuration.load(
        new ConfigSources(folder, Optional.empty(), environment, Map.of()), Purpose.ADMINISTER);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"12345678", "password", "changeme", "Password123", "alice-alice", "aaaaaaaaaa"})
  void password_thatEverybodyTriesFirst_isRefused_butOnLoopback(String password) throws Exception {
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put("TIDINGS_AUTH_SECRET_KEY", SECRET);
    environment.put("TIDINGS_AUTH_BOOTSTRAP_ADMIN_USERNAME", "alice-alice");
    environment.put("TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD", password);
    assertThat(errors(Map.of(), environment))
        .singleElement()
        .satisfies(error -> {
          assertThat(error.key()).isEqualTo("auth.bootstrap-admin.password");
          assertThat(error.toString()).contains("TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD");
        });
    environment.put("TIDINGS_SERVER_HOST", "localhost");
    assertThat(load(Map.of(), environment).auth().bootstrapAdmin()).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"pubsub.anonymous", "streams.anonymous", "exchanges.anonymous"})
  void anonymousCallsForTheWorld_areRefused_butOnLoopback(String key) throws Exception {
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put("TIDINGS_AUTH_SECRET_KEY", SECRET);
    environment.put(environmentName(key), "all");
    assertThat(errors(Map.of(), environment)).extracting(ConfigError::key).containsExactly(key);
    environment.put("TIDINGS_SERVER_HOST", "localhost");
    assertThat(read(load(Map.of(), environment), key)).isEqualTo(TidingsConfig.Anonymous.ALL);
  }

  @Test
  void insecureSettings_tolerated_becomeWarnings() throws Exception {
    Map<String, String> environment =
        Map.of(
            "TIDINGS_AUTH_SECRET_KEY", "your-secret-key-here-change-in-production",
            "TIDINGS_AUTH_BOOTSTRAP_ADMIN_USERNAME", "admin",
            "TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD", "12345678",
            "TIDINGS_SERVER_ALLOW_INSECURE_SETTINGS", "true");
    Configuration configuration =
        Configuration.load(
            new ConfigSources(folder, Optional.empty(), environment, Map.of()), Purpose.SERVE);
    assertThat(configuration.warnings())
        .extracting(ConfigError::key)
        .containsExactly("auth.secret-key", "auth.bootstrap-admin.password");
  }

  @Test
  void shortSecret_isNeverTolerated() {
    assertThat(
            errors(
                Map.of(),
                Map.of(
                    "TIDINGS_AUTH_SECRET_KEY", "short-word",
                    "TIDINGS_SERVER_ALLOW_INSECURE_SETTINGS", "true")))
        .extracting(ConfigError::key)
        .containsExactly("auth.secret-key");
  }

  @Test
  void secret_isNeededToServe_notToAdminister() throws Exception {
    ConfigSources sources = new ConfigSources(folder, Optional.empty(), Map.of(), Map.of());
    assertThat(errors(sources)).extracting(ConfigError::key).containsExactly("auth.secret-key");
    Configuration.load(sources, Purpose.ADMINISTER);
  }

  @Test
  void secrets_areNeverShown() throws Exception {
    Map<String, String> environment =
        Map.of(
            "TIDINGS_AUTH_SECRET_KEY", SECRET,
            "TIDINGS_AUTH_BOOTSTRAP_ADMIN_USERNAME", "alice",
            "TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD", "hidden-word");
    Configuration configuration =
        Configuration.load(
            new ConfigSources(folder, Optional.empty(), environment, Map.of()), Purpose.SERVE);
    assertThat(configuration.toYaml() + configuration.config())
        .doesNotContain(SECRET, "hidden-word")
        .contains("secret-key: \"********\" # TIDINGS_AUTH_SECRET_KEY");
    assertThat(errors(Map.of(), Map.of("TIDINGS_AUTH_SECRET_KEY", "short-word")))
        .extracting(ConfigError::toString)
        .containsExactly(
            "auth.secret-key: 10 characters (expected: at least 32 characters)"
                + " [TIDINGS_AUTH_SECRET_KEY]");
  }

  @Test
  void shownTree_canBeReadAgain() throws Exception {
    Map<String, String> environment = new LinkedHashMap<>();
    SAMPLES.forEach((path, sample) -> environment.put(environmentName(path), sample.written()));
    environment.put("TIDINGS_STORE_DURABILITY", "fsync"); // A database takes no other.
    Configuration first =
        Configuration.load(
            new ConfigSources(folder, Optional.empty(), environment, Map.of()), Purpose.SERVE);
    Path file = folder.resolve("shown.yaml");
    Files.writeString(file, first.toYaml());
    Configuration second =
        Configuration.load(
            new ConfigSources(
                folder,
                Optional.of(file),
                Map.of(
                    "TIDINGS_AUTH_SECRET_KEY",
                    SECRET,
                    "TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD",
                    PASSWORD,
                    "TIDINGS_STORE_PASSWORD",
                    PASSWORD),
                Map.of()),
            Purpose.SERVE);
    assertThat(second.config()).isEqualTo(first.config());
  }

  @ParameterizedTest
  @CsvSource({
    "TIDINGS_POLL_MAX_WAITERS_PER_USER, 10001, poll.max-waiters-per-user",
    "TIDINGS_PUBSUB_BACKOFF_MIN, 301s, pubsub.backoff-min",
    "TIDINGS_LIMITS_BATCH_BYTES, 65MiB, limits.batch-bytes",
    "TIDINGS_LIMITS_PENDING_BYTES, 7MiB, server.max-body-size"
  })
  void keys_thatContradictEachOther_areRefused(String variable, String value, String key) {
    assertThat(errors(Map.of(), Map.of(variable, value, "TIDINGS_DEV", "true")))
        .extracting(ConfigError::key)
        .containsExactly(key);
  }

  @ParameterizedTest
  @CsvSource({"PORT, 8443", "CERTIFICATE, cert.pem", "PRIVATE_KEY, key.pem"})
  void tls_halfConfigured_tellsWhatIsMissing(String name, String value) {
    assertThat(errors(Map.of(), Map.of("TIDINGS_TLS_" + name, value, "TIDINGS_DEV", "true")))
        .hasSize(2)
        .allSatisfy(error -> {
          assertThat(error.key()).startsWith("tls.");
          assertThat(error.value()).isEqualTo("not set");
          assertThat(error.source()).startsWith("because tls.");
        });
  }

  @Test
  void plainPort_isNeededWithoutTls() {
    assertThat(errors(Map.of(), Map.of("TIDINGS_SERVER_PLAIN", "false", "TIDINGS_DEV", "true")))
        .extracting(ConfigError::toString)
        .containsExactly(
            "server.plain: false (expected: true, or tls.port, tls.certificate and"
                + " tls.private-key) [TIDINGS_SERVER_PLAIN]");
  }

  @Test
  void tls_onTheSamePortAsPlain_isRefused() throws Exception {
    Map<String, String> environment = new LinkedHashMap<>(around("tls.port"));
    environment.put("TIDINGS_TLS_PORT", "8080");
    assertThat(errors(Map.of(), environment))
        .extracting(ConfigError::key)
        .containsExactly("tls.port");
    environment.put("TIDINGS_SERVER_PLAIN", "false");
    assertThat(load(Map.of(), environment).server().plain()).isFalse();
  }

  // ---- a database ----

  private static final List<String> OF_A_DATABASE =
      List.of("store.type", "store.url", "store.user", "store.password", "store.take-over");

  @Test
  void database_withoutAddressAndUser_isToldAtOnce() {
    Map<String, String> environment =
        Map.of(
            "TIDINGS_DEV", "true",
            "TIDINGS_STORE_TYPE", "postgresql",
            "TIDINGS_STORE_DURABILITY", "memory",
            "TIDINGS_STORE_CONNECTIONS", "4");
    assertThat(errors(Map.of(), environment))
        .extracting(ConfigError::toString)
        .containsExactlyInAnyOrder(
            "store.url: not set (expected: an address such as"
                + " postgresql://localhost:5432/tidings) [because store.type is postgresql]",
            "store.user: not set (expected: a user of the database) [because store.type is"
                + " postgresql]",
            "store.durability: memory (expected: fsync, because store.type is postgresql, where"
                + " every answer waits for the commit) [TIDINGS_STORE_DURABILITY]",
            "store.connections: 4 (expected: a whole number from 5 to 50)"
                + " [TIDINGS_STORE_CONNECTIONS]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "postgresql://me:" + PASSWORD + "@localhost/tidings",
        "postgresql://me@localhost/tidings",
        "jdbc:postgresql://localhost/tidings?ssl=true&password=" + PASSWORD,
        "postgresql://localhost/tidings?user=me&Password=" + PASSWORD,
        "postgresql://localhost/tidings?sslpassword=" + PASSWORD,
        "postgresql://localhost/tidings?password=a " + PASSWORD,
        "postgresql://localhost/tidings?ssl=true; password = " + PASSWORD,
        "postgresql://localhost?password=" + PASSWORD,
        "postgresql://me:a?b/" + PASSWORD + "@localhost/tidings",
        "localhost/tidings?user=me&password=" + PASSWORD,
        "mysql://localhost/tidings?password=" + PASSWORD,
        "host=localhost dbname=tidings password=" + PASSWORD
      })
  void address_withASecretInIt_isRefusedWithoutShowingIt(String url) {
    assertThat(errors(Map.of(), database(url)))
        .singleElement()
        .satisfies(error -> {
          assertThat(error.key()).isEqualTo("store.url");
          assertThat(error.toString()).contains("TIDINGS_STORE_PASSWORD").doesNotContain(PASSWORD);
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost/tidings",
        "postgresql://localhost",
        "postgresql://localhost/",
        "postgresql:tidings",
        "mysql://localhost/tidings",
        "postgresql://local host/tidings"
      })
  void address_ofNoDatabase_isRefused(String url) {
    assertThat(errors(Map.of(), database(url)))
        .extracting(ConfigError::toString)
        .containsExactly(
            "store.url: "
                + url
                + " (expected: an address such as postgresql://localhost:5432/tidings)"
                + " [TIDINGS_STORE_URL]");
  }

  /// Nobody knows what was meant by it.
  @Test
  void parametersOfWhatIsNoAddress_areNotShown() {
    assertThat(errors(Map.of(), database("localhost/tidings?pw=" + PASSWORD)))
        .extracting(ConfigError::toString)
        .containsExactly(
            "store.url: localhost/tidings?… (expected: an address such as"
                + " postgresql://localhost:5432/tidings) [TIDINGS_STORE_URL]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:postgresql://localhost/tidings",
        "postgresql://localhost/tidings?currentSchema=mq&ApplicationName=end-user",
        "postgres://localhost/tidings",
        "postgresql://[::1]:5433/tidings?sslmode=verify-full&currentSchema=mq",
        "postgresql://first:5432,second:5432/tidings?targetServerType=primary"
      })
  void address_ofADatabase_isTaken(String url) throws Exception {
    assertThat(load(Map.of(), database(url)).store().url()).contains(url);
  }

  @Test
  void keysOfADatabase_withoutOne_areRefused() {
    Map<String, String> environment = database(DATABASE);
    environment.put("TIDINGS_STORE_TYPE", "rocksdb");
    environment.put("TIDINGS_STORE_PASSWORD", PASSWORD);
    environment.put("TIDINGS_STORE_TAKE_OVER", "true");
    assertThat(errors(Map.of(), environment))
        .hasSize(3)
        .allSatisfy(error -> {
          assertThat(error.key()).startsWith("store.");
          assertThat(error.toString())
              .contains("--store postgresql, because store.type is rocksdb")
              .doesNotContain(PASSWORD);
        });
  }

  private static Map<String, String> database(String url) {
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put("TIDINGS_DEV", "true");
    environment.put("TIDINGS_STORE_TYPE", "postgresql");
    environment.put("TIDINGS_STORE_URL", url);
    environment.put("TIDINGS_STORE_USER", "tidings");
    return environment;
  }

  private static Sample sample(String path) {
    return Optional.ofNullable(SAMPLES.get(path)).orElseThrow();
  }

  /// What must be given for the tree to be complete, besides the key itself.
  private static Map<String, String> around(String path) {
    Map<String, String> environment = new LinkedHashMap<>();
    List<String> needed =
        path.startsWith("auth.bootstrap-admin.")
            ? List.of(
                "auth.secret-key", "auth.bootstrap-admin.username", "auth.bootstrap-admin.password")
            : path.equals("server.plain") || path.startsWith("tls.")
                ? List.of("auth.secret-key", "tls.port", "tls.certificate", "tls.private-key")
                : OF_A_DATABASE.contains(path)
                    ? List.of("auth.secret-key", "store.type", "store.url", "store.user")
                    : List.of("auth.secret-key");
    for (String other : needed) {
      if (!other.equals(path)) {
        environment.put(environmentName(other), sample(other).written());
      }
    }
    // What only callers on this machine may be let do.
    if (path.equals("dev") || path.endsWith(".anonymous")) {
      environment.put("TIDINGS_SERVER_HOST", "localhost");
    }
    return environment;
  }

  private static String environmentName(String path) {
    return Optional.ofNullable(KeyTree.keys().get(path)).orElseThrow().environmentName();
  }

  /// The component at the path, found by name rather than through the code under test.
  private static Object read(Object record, String path) throws ReflectiveOperationException {
    Object value = record;
    for (String name : path.split("\\.", -1)) {
      String accessor =
          Stream.of(name.split("-"))
              .map(part -> Character.toUpperCase(part.charAt(0)) + part.substring(1))
              .collect(Collectors.joining());
      accessor = Character.toLowerCase(accessor.charAt(0)) + accessor.substring(1);
      Object holder =
          value instanceof Optional<?> optional && name.length() > 0
              ? optional.orElseThrow()
              : value;
      value = holder.getClass().getMethod(accessor).invoke(holder);
    }
    return value;
  }

  private TidingsConfig load(Map<String, Flag> flags, Map<String, String> environment)
      throws InvalidConfigException {
    return Configuration.load(
            new ConfigSources(folder, Optional.empty(), environment, flags), Purpose.SERVE)
        .config();
  }

  private List<ConfigError> errors(Map<String, Flag> flags, Map<String, String> environment) {
    return errors(new ConfigSources(folder, Optional.empty(), environment, flags));
  }

  private static List<ConfigError> errors(ConfigSources sources) {
    return catchThrowableOfType(
            InvalidConfigException.class, () -> Configuration.load(sources, Purpose.SERVE))
        .errors();
  }
}
