// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.spi.ContextAwareBase;
import dev.tidings.app.config.TidingsConfig.Log;
import dev.tidings.app.config.TidingsConfig.LogFormat;
import dev.tidings.app.config.TidingsConfig.LogLevel;
import dev.tidings.server.wire.AccessLog;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sends the log to standard error: standard output belongs to the commands.
///
/// What callers have chosen, as a name, cannot begin a line of its own: control characters become
/// question marks in a text, as JSON has escapes for them. Lines about a request carry its id: in
/// brackets in a text, as `mdc.request_id` in JSON.
///
/// Logback finds this class as a service and applies warnings-only text, which is what commands
/// other than `serve` keep.
public final class Logging extends ContextAwareBase implements Configurator {
  private static final List<String> NOISY =
      List.of("com.zaxxer.hikari", "io.netty", "io.vertx", "org.flywaydb", "org.postgresql");

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    apply(context, new Log(LogLevel.WARN, LogFormat.TEXT, false));
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }

  /// Applies what the configuration says.
  static void configure(Log log) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    apply(context, log);
  }

  private static void apply(LoggerContext context, Log log) {
    ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
    appender.setContext(context);
    appender.setName("stderr");
    appender.setTarget("System.err");
    appender.setEncoder(encoder(context, log.format()));
    appender.start();
    ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    Level level = Level.toLevel(log.level().name());
    root.setLevel(level);
    root.addAppender(appender);
    context.getLogger(AccessLog.LOGGER).setLevel(log.access() ? Level.INFO : Level.OFF);
    for (String name : NOISY) {
      context.getLogger(name).setLevel(level.isGreaterOrEqual(Level.WARN) ? level : Level.WARN);
    }
  }

  private static Encoder<ILoggingEvent> encoder(LoggerContext context, LogFormat format) {
    return switch (format) {
      case TEXT -> {
        PatternLayoutEncoder text = new PatternLayoutEncoder();
        text.setContext(context);
        text.setPattern(
            "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX,UTC} %-5level [%thread] %logger{0}"
                + "%replace(%X{request_id}){'^(.+)$', ' [$1]'} - %replace(%msg){'[\\p{Cntrl}&&[^\\t]]', '?'}%n");
        text.start();
        yield text;
      }
      case JSON -> {
        JsonEncoder json = new JsonEncoder();
        json.setContext(context);
        json.setWithContext(false);
        json.setWithSequenceNumber(false);
        json.setWithNanoseconds(false);
        json.setWithFormattedMessage(true);
        json.setWithMessage(false);
        json.setWithArguments(false);
        json.start();
        yield json;
      }
    };
  }
}
