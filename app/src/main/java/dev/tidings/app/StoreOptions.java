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

/// The flags that say which configuration and data directory a command works on.
///
/// Values stay text here: the configuration checks them with all the others, so that all errors are
/// told at once.
final class StoreOptions {
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

  @Option(names = "--data-dir", paramLabel = "DIR", description = "Folder of the store.")
  private @Nullable String dataDir;

  @Option(
      names = "--store",
      paramLabel = "rocksdb|postgresql|memory",
      description = "Where messages are kept.")
  private @Nullable String store;

  @Option(
      names = "--store-url",
      paramLabel = "URL",
      description = "Database of --store postgresql: postgresql://host:5432/name.")
  private @Nullable String storeUrl;

  @Option(names = "--store-user", paramLabel = "USER", description = "User of that database.")
  private @Nullable String storeUser;

  @Option(
      names = "--store-password",
      paramLabel = "PASSWORD",
      arity = "0..1",
      interactive = true,
      description =
          "Password of that user; without a value it is asked for. Others on this machine can see"
              + " flags: the variable TIDINGS_STORE_PASSWORD is safer.")
  private @Nullable String storePassword;

  /// Reads the configuration with these flags on top.
  Configuration load(Configuration.Purpose purpose) throws InvalidConfigException {
    return load(purpose, Map.of());
  }

  /// Reads the configuration with these and further flags on top.
  Configuration load(Configuration.Purpose purpose, Map<String, Flag> further)
      throws InvalidConfigException {
    Map<String, Flag> flags = new LinkedHashMap<>(further);
    put(flags, "dev", "--dev", dev ? "true" : null);
    put(flags, "store.data-dir", "--data-dir", dataDir);
    put(flags, "store.type", "--store", store);
    put(flags, "store.url", "--store-url", storeUrl);
    put(flags, "store.user", "--store-user", storeUser);
    put(flags, "store.password", "--store-password", storePassword);
    ConfigSources sources =
        new ConfigSources(Path.of(""), Optional.ofNullable(file), System.getenv(), flags);
    return Configuration.load(sources, purpose);
  }

  /// Adds a flag if it was given.
  static void put(Map<String, Flag> flags, String key, String name, @Nullable String value) {
    if (value != null) {
      flags.put(key, new Flag(name, value));
    }
  }
}
