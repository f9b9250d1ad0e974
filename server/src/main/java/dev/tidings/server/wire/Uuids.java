// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/// Reads UUIDs as Pydantic 2 does, with its texts of error.
public final class Uuids {
  private static final String URN = "urn:uuid:";
  private static final int DIGITS = 32;
  private static final int CANONICAL_LENGTH = 36;
  private static final int[] GROUP_STARTS = {0, 9, 14, 19, 24};
  private static final int[] GROUP_LENGTHS = {8, 4, 4, 4, 12};

  private Uuids() {}

  /// The UUID that `text` spells: with hyphens or without, in braces or as a URN.
  public static Optional<UUID> parse(String text) {
    if (isCanonical(text)) {
      return Optional.of(UUID.fromString(text));
    }
    if (fault(text).isPresent()) {
      return Optional.empty();
    }
    String plain = bare(text).replace("-", "");
    return Optional.of(
        new UUID(
            Long.parseUnsignedLong(plain, 0, 16, 16), Long.parseUnsignedLong(plain, 16, 32, 16)));
  }

  /// Whether it is spelt as nearly all are, which can be read at no cost.
  private static boolean isCanonical(String text) {
    if (text.length() != CANONICAL_LENGTH) {
      return false;
    }
    for (int i = 0; i < CANONICAL_LENGTH; i++) {
      char c = text.charAt(i);
      boolean isHyphen = i == 8 || i == 13 || i == 18 || i == 23;
      if (isHyphen ? c != '-' : c > 'f' || Character.digit(c, 16) < 0) {
        return false;
      }
    }
    return true;
  }

  /// The text without braces or prefix.
  private static String bare(String text) {
    if (text.length() > 1 && text.startsWith("{") && text.endsWith("}")) {
      return text.substring(1, text.length() - 1);
    }
    return text.startsWith(URN) ? text.substring(URN.length()) : text;
  }

  /// Why `text` spells no UUID; empty if it does.
  public static Optional<String> fault(String text) {
    String bare = bare(text);
    int offset = text.indexOf(bare);
    int[] hyphens = new int[GROUP_STARTS.length - 1];
    int count = 0;
    for (int i = 0; i < bare.length(); i++) {
      char c = bare.charAt(i);
      if (c == '-') {
        if (count < hyphens.length) {
          hyphens[count] = i;
        }
        count++;
      } else if (c > 'f' || Character.digit(c, 16) < 0) {
        return Optional.of(
            String.format(
                Locale.ROOT,
                "invalid character: expected an optional prefix of `urn:uuid:` followed by"
                    + " [0-9a-fA-F-], found `%s` at %d",
                Character.toString(bare.codePointAt(i)),
                offset + i + 1));
      }
    }
    if (count == 0 && offset == 0) {
      return bare.length() == DIGITS
          ? Optional.empty()
          : Optional.of(
              "invalid length: expected length 32 for simple format, found " + bare.length());
    }
    if (count != hyphens.length) {
      return Optional.of("invalid group count: expected 5, found " + (count + 1));
    }
    return groupFault(bare, hyphens);
  }

  private static Optional<String> groupFault(String bare, int[] hyphens) {
    for (int group = 0; group < GROUP_STARTS.length; group++) {
      int end = group < hyphens.length ? hyphens[group] : bare.length();
      int length = end - GROUP_STARTS[group];
      if (length != GROUP_LENGTHS[group]) {
        return Optional.of(
            "invalid group length in group "
                + group
                + ": expected "
                + GROUP_LENGTHS[group]
                + ", found "
                + length);
      }
    }
    return Optional.empty();
  }
}
