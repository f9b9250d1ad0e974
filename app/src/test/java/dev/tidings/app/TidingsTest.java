// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.app.config.ConfigSources;
import dev.tidings.app.config.ConfigSources.Flag;
import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.Configuration.Purpose;
import dev.tidings.app.config.TidingsConfig;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Whole servers in this process: what keeps them from starting, and what they leave.
@Timeout(60)
class TidingsTest {
  private static final Map<String, String> DEV = Map.of("TIDINGS_DEV", "true");

  @TempDir Path folder;

  /// The administrator of --dev stayed in the store, so that a later start without --dev served the
  /// network with a password everyone knows.
  @Test
  void directoryOfDev_isNotServedWithoutDev() throws Exception {
    Tidings.start(config(DEV)).stop();
    TidingsConfig production = config(secured("own-administrator", "own-password"));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> Tidings.start(production))
          .isInstanceOf(StartException.class)
          .hasMessageContaining("the user admin")
          .hasMessageContaining("--data-dir");
    }
    // Everything was let go of, and --dev goes on working.
    Tidings.start(config(DEV)).stop();
  }

  @Test
  void passwordOfDev_isNoPasswordOfABootstrapAdministrator() throws Exception {
    TidingsConfig known = config(secured("admin", "tidings-dev"));
    assertThatThrownBy(() -> Tidings.start(known))
        .isInstanceOf(StartException.class)
        .hasMessageContaining("auth.bootstrap-admin.password");
    Tidings.start(config(secured("admin", "own-password"))).stop();
  }

  private static Map<String, String> secured(String username, String password) {
    return Map.of(
        "TIDINGS_AUTH_SECRET_KEY", "a-secret-key-of-the-tests-0123456789",
        "TIDINGS_AUTH_BOOTSTRAP_ADMIN_USERNAME", username,
        "TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD", password);
  }

  private TidingsConfig config(Map<String, String> environment) throws Exception {
    Map<String, String> all = new HashMap<>(environment);
    all.put("TIDINGS_SERVER_HOST", "127.0.0.1");
    all.put("TIDINGS_SERVER_PORT", "0");
    all.put("TIDINGS_STORE_DISK_LOW_WATER", "0B");
    Map<String, Flag> flags =
        Map.of("store.data-dir", new Flag("--data-dir", folder.resolve("data").toString()));
    return DevSecret.complete(
        Configuration.load(new ConfigSources(folder, Optional.empty(), all, flags), Purpose.SERVE)
            .config());
  }
}
