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
  },
  /// With hosts, origins and limits for each address; any `X-Forwarded-For` of ours is believed, so
  /// that each test can be an address of its own. Everything is logged.
  EDGE {
    @Override
    TidingsProcess start() {
      return TidingsProcess.startSecured(
          Map.ofEntries(
              Map.entry("TIDINGS_SERVER_TRUSTED_HOSTS", "127.0.0.1, relay.test, *.wild.test"),
              Map.entry("TIDINGS_SERVER_ALLOWED_ORIGINS", "https://app.test"),
              Map.entry("TIDINGS_SERVER_TRUSTED_PROXIES", "127.0.0.0/8"),
              Map.entry("TIDINGS_RATE_LIMITS_LOGIN", "3"),
              Map.entry("TIDINGS_RATE_LIMITS_PUBLISH", "2"),
              Map.entry("TIDINGS_RATE_LIMITS_BULK", "1"),
              Map.entry("TIDINGS_LOG_ACCESS", "true"),
              Map.entry("TIDINGS_LOG_LEVEL", "trace")));
    }
  };

  abstract TidingsProcess start();
}
