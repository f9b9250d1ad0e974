// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.bench.load.BenchException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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

  private OwnServer.Settings settings(String store) {
    return new OwnServer.Settings(
        RelayStandIn.class.getName(),
        "128m",
        List.of(),
        store,
        "fsync",
        Map.of("streams.idle-time", "7s"),
        dir);
  }
}
