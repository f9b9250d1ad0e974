// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Where a web page comes from, as browsers write it (`https://app.example.com`, a port where it is
/// not the usual one), or `*` for anywhere.
///
/// @param text in lower case
public record Origin(String text) {
  private static final Pattern SHAPE =
      Pattern.compile("\\*|[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\\[[0-9a-f:.]+])(:[0-9]{1,5})?");

  /// The origin that `text` writes.
  public static Optional<Origin> parse(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    return SHAPE.matcher(lower).matches() ? Optional.of(new Origin(lower)) : Optional.empty();
  }

  boolean isAny() {
    return text.equals("*");
  }
}
