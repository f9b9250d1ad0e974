// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import dev.tidings.app.config.TidingsConfig;
import dev.tidings.app.config.TidingsConfig.Durability;
import dev.tidings.app.config.TidingsConfig.StoreType;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// Runs a server until it is told to stop.
@Command(
    name = "serve",
    aliases = "server",
    description = "Run a server. SIGTERM or Ctrl-C stops it in good order.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings serve --dev",
      "  tidings serve --port 9000 --data-dir /var/lib/tidings",
      "  tidings serve --store postgresql --store-url postgresql://localhost/tidings --store-user me",
      "  tidings serve --config prod.yaml"
    })
final class ServeCommand implements Callable<Integer> {
  /// Starts a server; a test hands in one of its own.
  interface Starter {
    Running start(TidingsConfig config) throws StartException;
  }

  /// A server that accepts requests.
  ///
  /// @param port without TLS; where there is none, the one with it
  /// @param tlsPort with TLS, if it is on
  record Running(int port, OptionalInt tlsPort, Runnable stop) {
    Running(int port, Runnable stop) {
      this(port, OptionalInt.empty(), stop);
    }
  }

  private final Starter starter;

  @Spec private @Nullable CommandSpec spec;
  @Mixin private ServerConfigOptions options = new ServerConfigOptions();

  ServeCommand(Starter starter) {
    this.starter = starter;
  }

  @Override
  public Integer call() throws InvalidConfigException, StartException, InterruptedException {
    Configuration configuration = options.load(Configuration.Purpose.SERVE);
    TidingsConfig config = DevSecret.complete(configuration.config());
    Logging.configure(config.log());
    tellStore(config);
    warnOfLoss(config);
    configuration.warnings().forEach(it -> log().warn("insecure, and tolerated: {}", it));
    Running server = starter.start(config);
    try (Shutdown _ = Shutdown.onSignal(config.server().shutdownTimeout(), server.stop())) {
      tellReady(config.server(), server);
      new CountDownLatch(1).await(); // Until the signal ends the process.
    }
    return 0;
  }

  /// Never the password.
  private static void tellStore(TidingsConfig config) {
    TidingsConfig.Store store = config.store();
    switch (store.type()) {
      case ROCKSDB, MEMORY ->
          log()
              .info(
                  "store {} in {}, durability {}",
                  store.type().name().toLowerCase(Locale.ROOT),
                  store.dataDir().toAbsolutePath().normalize(),
                  Stores.durability(config).name().toLowerCase(Locale.ROOT));
      case POSTGRESQL ->
          log()
              .info(
                  "store postgresql at {}, user {}",
                  store.url().orElseThrow(),
                  store.user().orElseThrow());
    }
  }

  private static Logger log() {
    return LoggerFactory.getLogger(ServeCommand.class);
  }

  /// The last of these lines says that the server is ready on all its ports.
  private void tellReady(TidingsConfig.Server settings, Running server) {
    Console console = Console.of(spec);
    server.tlsPort().ifPresent(port -> console.line(readyLine("https", settings.host(), port)));
    if (settings.plain()) {
      console.line(readyLine("http", settings.host(), server.port()));
    }
  }

  private static String readyLine(String scheme, String host, int port) {
    return "tidings ready on " + scheme + "://" + address(host, port);
  }

  private static void warnOfLoss(TidingsConfig config) {
    Logger log = log();
    if (config.store().type() == StoreType.MEMORY) {
      log.warn("store.type is memory: all messages and users are lost when this process ends");
    } else if (config.store().durability() == Durability.MEMORY) {
      log.warn(
          "store.durability is memory: a power cut or a crash of the machine loses acknowledged messages");
    }
  }

  private static String address(String host, int port) {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }
}
