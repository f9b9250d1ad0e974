// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.app.config.ConfigSources;
import dev.tidings.app.config.ConfigSources.Flag;
import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.Configuration.Purpose;
import dev.tidings.app.config.TidingsConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DevSecretTest {
  @TempDir Path folder;

  @Test
  void secret_isMadeOnce_andKeptForItsOwnerAlone() throws Exception {
    TidingsConfig first = DevSecret.complete(config(true, Map.of()));
    TidingsConfig second = DevSecret.complete(config(true, Map.of()));
    assertThat(first.auth().secretKey()).isPresent().isEqualTo(second.auth().secretKey());
    assertThat(first.auth().secretKey().get().value()).hasSizeGreaterThanOrEqualTo(32);
    Path data = folder.resolve("data");
    assertThat(data).isDirectoryContaining("glob:**/dev-secret");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(data)))
        .isEqualTo("rwx------");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(data.resolve("dev-secret"))))
        .isEqualTo("rw-------");
  }

  @Test
  void givenSecret_isKept_andNothingWritten() throws Exception {
    String given = "x".repeat(32);
    TidingsConfig config = config(true, Map.of("TIDINGS_AUTH_SECRET_KEY", given));
    assertThat(DevSecret.complete(config)).isEqualTo(config);
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  void damagedSecret_isRefused() throws Exception {
    Path data = Files.createDirectory(folder.resolve("data"));
    Files.writeString(data.resolve("dev-secret"), "short");
    TidingsConfig config = config(true, Map.of());
    assertThatThrownBy(() -> DevSecret.complete(config))
        .isInstanceOf(StartException.class)
        .hasMessageContaining("delete it");
  }

  @Test
  void dataDirectory_thatIsAFile_isToldClearly() throws Exception {
    Files.writeString(folder.resolve("data"), "");
    TidingsConfig config = config(true, Map.of());
    assertThatThrownBy(() -> DevSecret.complete(config))
        .isInstanceOf(StartException.class)
        .hasMessageContaining("--data-dir");
  }

  private TidingsConfig config(boolean dev, Map<String, String> environment) throws Exception {
    Map<String, Flag> flags =
        Map.of(
            "dev", new Flag("--dev", String.valueOf(dev)),
            "store.data-dir", new Flag("--data-dir", folder.resolve("data").toString()));
    return Configuration.load(
            new ConfigSources(folder, Optional.empty(), environment, flags), Purpose.SERVE)
        .config();
  }
}
