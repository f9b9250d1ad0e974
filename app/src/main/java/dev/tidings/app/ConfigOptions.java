// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.ConfigSources;
import dev.tidings.app.config.ConfigSources.Flag;
import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The flags that set a key of the configuration, shared by the commands that read it.
///
/// Values stay text here: the configuration checks them with all the others, so that all errors are
/// told at once.
final class ConfigOptions {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "YAML file with settings (default: ./tidings.yaml if it is there).")
  private @Nullable Path file;

  @Option(
      names = "--dev",
      description =
          "For trying out: loopback only, a secret of its own, user admin with password tidings-dev.")
  private boolean dev;

  @Option(names = "--host", paramLabel = "H", description = "Address to bind to.")
  private @Nullable String host;

  @Option(names = "--port", paramLabel = "P", description = "TCP port; 0 takes a free one.")
  private @Nullable String port;

  @Option(names = "--data-dir", paramLabel = "DIR", description = "Folder of the store.")
  private @Nullable String dataDir;

  @Option(
      names = "--store",
      paramLabel = "rocksdb|memory",
      description = "Where messages are kept.")
  private @Nullable String store;

  @Option(
      names = "--durability",
      paramLabel = "fsync|memory",
      description = "What an answered publish has survived.")
  private @Nullable String durability;

  /// Reads the configuration with these flags on top.
  Configuration load(Configuration.Purpose purpose) throws InvalidConfigException {
    Map<String, Flag> flags = new LinkedHashMap<>();
    put(flags, "dev", "--dev", dev ? "true" : null);
    put(flags, "server.host", "--host", host);
    put(flags, "server.port", "--port", port);
    put(flags, "store.data-dir", "--data-dir", dataDir);
    put(flags, "store.type", "--store", store);
    put(flags, "store.durability", "--durability", durability);
    ConfigSources sources =
        new ConfigSources(Path.of(""), Optional.ofNullable(file), System.getenv(), flags);
    return Configuration.load(sources, purpose);
  }

  private static void put(
      Map<String, Flag> flags, String key, String name, @Nullable String value) {
    if (value != null) {
      flags.put(key, new Flag(name, value));
    }
  }
}
