// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.bench.load.BenchException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OwnServerTest {
  @TempDir Path dir;

  @Test
  void start_waitsUntilReady_andCloseLeavesNothing() throws Exception {
    long pid;
    try (OwnServer server = OwnServer.start(settings("rocksdb"))) {
      pid = server.process().pid();
      assertThat(new RelayApi(server.endpoint()).login("admin", "tidings-dev"))
          .isEqualTo(RelayStandIn.TOKEN);
      assertThat(server.readyAfter()).isPositive();
      assertThat(server.endOfLog())
          .contains(
              "serve --dev --port 0 --data-dir "
                  + server.dataDir()
                  + " --store rocksdb --durability fsync",
              "TIDINGS_STREAMS_IDLE_TIME=7s");
      assertThat(server.process().memoryAfterFullCollection().residentBytes()).isPositive();
    }
    assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
    assertThat(dir).isEmptyDirectory();
  }

  @Test
  void start_whenTheServerEnds_showsTheEndOfItsOutput() throws Exception {
    assertThatThrownBy(() -> OwnServer.start(settings("broken")))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("ended before it was ready")
        .hasMessageContaining("this store cannot be opened");
    assertThat(dir).isEmptyDirectory();
  }

  @Test
  void onADatabase_makesASchemaOfItsOwn_andDropsItWhenTheServerIsGone() throws Exception {
    try (var database = new FakeDatabase()) {
      OwnSchema schema =
          OwnSchema.in("postgresql://127.0.0.1:1/test?ssl=false", "ada", "let-me-in");
      assertThat(schema.name()).matches("tidings_bench_[0-9a-z]+");
      assertThat(schema.toString()).doesNotContain("let-me-in");
      try (OwnServer server = OwnServer.start(settings("postgresql", Optional.of(schema)))) {
        assertThat(server.endOfLog())
            .contains(
                "--store postgresql",
                "TIDINGS_STORE_URL=postgresql://127.0.0.1:1/test?ssl=false&currentSchema="
                    + schema.name(),
                "TIDINGS_STORE_USER=ada",
                "TIDINGS_STORE_PASSWORD=let-me-in")
            .doesNotContain("--durability");
        assertThat(database.said()).isEmpty();
      }
      assertThat(database.said())
          .containsExactly(
              "ada/let-me-in at jdbc:postgresql://127.0.0.1:1/test?ssl=false",
              "drop schema if exists " + schema.name() + " cascade");
    }
    assertThat(dir).isEmptyDirectory();
  }

  /// The server refuses a password that is there and empty.
  @Test
  void onADatabaseThatAsksForNoPassword_noneIsGiven() throws Exception {
    try (var database = new FakeDatabase()) {
      OwnSchema schema = OwnSchema.in("postgresql://127.0.0.1:1/test", "ada", "");
      try (OwnServer server = OwnServer.start(settings("postgresql", Optional.of(schema)))) {
        assertThat(server.endOfLog())
            .contains("TIDINGS_STORE_USER=ada")
            .doesNotContain("TIDINGS_STORE_PASSWORD");
      }
      assertThat(database.said())
          .first()
          .isEqualTo("ada/null at jdbc:postgresql://127.0.0.1:1/test");
    }
  }

  @Test
  void schemaThatCannotBeDropped_isNamedWithWhatToDo() throws Exception {
    OwnSchema schema = OwnSchema.in("postgresql://127.0.0.1:1/test", "ada", "let-me-in");
    OwnServer server = OwnServer.start(settings("postgresql", Optional.of(schema)));
    assertThatThrownBy(server::close)
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("drop schema if exists " + schema.name() + " cascade")
        .hasMessageNotContaining("let-me-in");
    assertThat(dir).isEmptyDirectory();
    assertThatThrownBy(() -> OwnServer.start(settings("broken", Optional.of(schema))))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("this store cannot be opened")
        .hasMessageContaining("the schema " + schema.name() + " stays in the database");
    assertThat(dir).isEmptyDirectory();
  }

  private OwnServer.Settings settings(String store) {
    return settings(store, Optional.empty());
  }

  private OwnServer.Settings settings(String store, Optional<OwnSchema> schema) {
    return new OwnServer.Settings(
        RelayStandIn.class.getName(),
        "128m",
        List.of(),
        store,
        schema.isPresent() ? Optional.empty() : Optional.of("fsync"),
        Map.of("streams.idle-time", "7s"),
        schema,
        dir);
  }
}
