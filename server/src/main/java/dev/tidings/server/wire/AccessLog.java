// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.runtime.TimeSource;
import io.vertx.core.http.HttpServerResponse;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Writes a line for each request when it is over, if its logger is on.
///
/// The path goes without its query, where a token may stand.
public final class AccessLog {
  /// The name of its logger.
  public static final String LOGGER = "dev.tidings.access";

  private static final Logger LOG = LoggerFactory.getLogger(LOGGER);
  private static final double NS_PER_MS = 1e6;

  /// The status of a request whose client left before it was answered, as other servers count it.
  private static final int CLIENT_GONE = 499;

  private static final int MAX_PATH = 1000;

  private final TimeSource time;

  AccessLog(TimeSource time) {
    this.time = time;
  }

  /// Writes the line of `call`, which begins now, when it is over.
  void watch(Call call) {
    if (LOG.isInfoEnabled()) {
      long startNs = time.monotonicNs();
      call.whenOver(() -> write(call, time.monotonicNs() - startNs));
    }
  }

  private static void write(Call call, long durationNs) {
    HttpServerResponse response = call.request().response();
    String method = call.request().method().name();
    String path = printable(Optional.ofNullable(call.request().path()).orElse("-"));
    int status = response.headWritten() ? response.getStatusCode() : CLIENT_GONE;
    String duration = String.format(Locale.ROOT, "%.3f", durationNs / NS_PER_MS);
    String user = printable(call.caller().orElse("-"));
    LOG.atInfo()
        .addKeyValue("method", method)
        .addKeyValue("path", path)
        .addKeyValue("status", status)
        .addKeyValue("duration_ms", duration)
        .addKeyValue("bytes", response.bytesWritten())
        .addKeyValue("user", user)
        .log(
            "{} {} {} {} ms {} B user={}",
            method,
            path,
            status,
            duration,
            response.bytesWritten(),
            user);
  }

  /// The text without what could pass for another line or command the terminal.
  private static String printable(String text) {
    String cut = Text.cut(text, MAX_PATH);
    return cut.chars().noneMatch(Character::isISOControl) ? cut : cut.replaceAll("\\p{Cc}", "?");
  }
}
