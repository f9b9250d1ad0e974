// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.ExchangeRequests;
import java.time.Duration;
import java.util.Map;

/// A session with what the measurements of exchanges share.
final class ExchangeSession implements AutoCloseable {
  /// What is the same for all of them.
  record Settings(
      CommonOptions options, CallerOptions caller, int payloadBytes, Duration patience) {}

  private final Settings settings;
  private final Session session;
  private final ExchangeApi api;
  private final ExchangeRequests encoder;
  private int made;

  private ExchangeSession(Settings settings, Session session) {
    this.settings = settings;
    this.session = session;
    this.api = new ExchangeApi(session.endpoint(), session.token());
    this.encoder =
        new ExchangeRequests(session.endpoint(), session.token(), settings.payloadBytes());
  }

  /// Logs in to the server that is named, or to one started now with these keys in its
  /// configuration.
  static ExchangeSession open(
      Settings settings, Report report, Progress progress, Map<String, String> config)
      throws InterruptedException {
    Session.Login login = endpoint -> settings.caller().token(endpoint, settings.options());
    return new ExchangeSession(
        settings, Session.open(settings.options(), report, progress, login, config));
  }

  Session session() {
    return session;
  }

  CommonOptions options() {
    return settings.options();
  }

  int payloadBytes() {
    return settings.payloadBytes();
  }

  /// How long nothing may move on.
  Duration patience() {
    return settings.patience();
  }

  ExchangeApi api() {
    return api;
  }

  ExchangeRequests encoder() {
    return encoder;
  }

  /// A name on the server that nobody used before.
  String newName() {
    return session.namePrefix() + "x" + made++;
  }

  @Override
  public void close() {
    api.close();
    session.close();
  }
}
