// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.Random;

/// Makes payloads with room for a stamp: JSON objects of one size.
///
/// They are of random letters: a constant one would let a compressing store look faster than it is.
final class Payloads {
  /// The smallest payload that has room for a stamp.
  static final int MIN_BYTES = 64;

  private static final String BEFORE_STAMP = "{\"at\":\"";
  private static final String BEFORE_FILL = "\",\"fill\":\"";
  private static final String END = "\"}";
  private static final String FILL =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  /// Where the stamp begins in a payload.
  static final int STAMP_AT = BEFORE_STAMP.length();

  private final int bytes;
  private final String fields;
  private final Random random = new Random(42);

  Payloads(int bytes) {
    this(bytes, MIN_BYTES, "");
  }

  /// @param fields what stands between the stamp and the rest, as `","half":"0`
  Payloads(int bytes, int atLeast, String fields) {
    if (bytes < atLeast) {
      throw new BenchException("payload-bytes: " + bytes + " (expected: >= " + atLeast + ")");
    }
    this.bytes = bytes;
    this.fields = fields;
  }

  /// One more payload, whose stamp is still to be written: a `@` and zeros stand there.
  String next() {
    var json = new StringBuilder(bytes);
    json.append(BEFORE_STAMP).append('@').append("0".repeat(Stamp.LENGTH - 1));
    json.append(fields).append(BEFORE_FILL);
    while (json.length() < bytes - END.length()) {
      json.append(FILL.charAt(random.nextInt(FILL.length())));
    }
    return json.append(END).toString();
  }
}
