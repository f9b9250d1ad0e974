// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import java.util.Map;

/// The servers that tests share. Each is started when the first test asks for it.
public enum Setup {
  /// `serve --dev`.
  DEV {
    @Override
    TidingsProcess start() {
      return TidingsProcess.startDev(Map.of());
    }
  },
  /// With a secret and a bootstrap admin; every call needs a token.
  SECURED {
    @Override
    TidingsProcess start() {
      return TidingsProcess.startSecured(Map.of());
    }
  },
  /// Tokens live three seconds.
  SHORT_TOKENS {
    @Override
    TidingsProcess start() {
      return TidingsProcess.startSecured(Map.of("TIDINGS_AUTH_ACCESS_TOKEN_LIFETIME", "3s"));
    }
  },
  /// Impatient and small: first frame within a second, a ping every second, bodies up to 64 KiB.
  TIGHT {
    @Override
    TidingsProcess start() {
      return TidingsProcess.startDev(
          Map.of(
              "TIDINGS_WEBSOCKET_FIRST_FRAME_TIMEOUT", "1s",
              "TIDINGS_WEBSOCKET_PING_INTERVAL", "1s",
              "TIDINGS_SERVER_MAX_BODY_SIZE", "64KiB"));
    }
  };

  abstract TidingsProcess start();
}
