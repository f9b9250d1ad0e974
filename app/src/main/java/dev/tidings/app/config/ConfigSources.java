// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// Where values come from, the later ones win: defaults, file, environment, flags.
///
/// @param folder where `tidings.yaml` is looked for if no file is named
/// @param file the file named by `--config`
/// @param flags what flags say, by the path of the key
public record ConfigSources(
    Path folder, Optional<Path> file, Map<String, String> environment, Map<String, Flag> flags) {
  /// The file read if none is named and it is there.
  public static final String USUAL_FILE = "tidings.yaml";

  public ConfigSources {
    environment = Map.copyOf(environment);
    flags = Map.copyOf(flags);
  }

  /// A flag as it was typed, with its value.
  public record Flag(String name, String value) {}
}
