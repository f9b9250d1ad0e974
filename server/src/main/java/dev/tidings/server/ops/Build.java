// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.ops;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/// What the running server was built as.
public final class Build {
  private static final String VERSION = read();

  private Build() {}

  /// The version of the project, such as `0.1.0` or `0.1.0-SNAPSHOT`.
  public static String version() {
    return VERSION;
  }

  /// The version without what marks a build before its release.
  static String release() {
    return VERSION.replaceFirst("-SNAPSHOT$", "");
  }

  private static String read() {
    try (InputStream in = Build.class.getResourceAsStream("build.properties")) {
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version", "unknown");
    } catch (IOException e) {
      throw new UncheckedIOException("build.properties", e);
    }
  }
}
