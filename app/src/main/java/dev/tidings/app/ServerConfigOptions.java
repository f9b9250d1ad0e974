// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.ConfigSources.Flag;
import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// All flags that set a key of the configuration, shared by the commands about a server.
final class ServerConfigOptions {
  @Mixin private StoreOptions store = new StoreOptions();

  @Option(names = "--host", paramLabel = "H", description = "Address to bind to.")
  private @Nullable String host;

  @Option(names = "--port", paramLabel = "P", description = "TCP port; 0 takes a free one.")
  private @Nullable String port;

  @Option(
      names = "--durability",
      paramLabel = "fsync|memory",
      description = "What an answered publish has survived.")
  private @Nullable String durability;

  @Option(
      names = "--take-over",
      description =
          "Start even if another server seems to use the database, which then writes no more.")
  private boolean takeOver;

  /// Reads the configuration with these flags on top.
  Configuration load(Configuration.Purpose purpose) throws InvalidConfigException {
    Map<String, Flag> flags = new LinkedHashMap<>();
    StoreOptions.put(flags, "server.host", "--host", host);
    StoreOptions.put(flags, "server.port", "--port", port);
    StoreOptions.put(flags, "store.durability", "--durability", durability);
    StoreOptions.put(flags, "store.take-over", "--take-over", takeOver ? "true" : null);
    return store.load(purpose, flags);
  }
}
