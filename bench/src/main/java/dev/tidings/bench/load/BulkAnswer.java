// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

/// Reads the one thing of a bulk publish's answer that matters here: whether `summary.rejected` is
/// 0.
final class BulkAnswer {
  private static final byte[] REJECTED = "\"rejected\"".getBytes(US_ASCII);

  private BulkAnswer() {}

  /// Searches from the end, where the summary stands, so that a long answer costs little.
  static boolean isAllAccepted(byte[] body, int length) {
    for (int at = length - REJECTED.length; at >= 0; at--) {
      if (body[at] == '"' && startsWith(body, at)) {
        return valueIsZero(body, at + REJECTED.length, length);
      }
    }
    return false;
  }

  private static boolean startsWith(byte[] body, int at) {
    for (int i = 0; i < REJECTED.length; i++) {
      if (body[at + i] != REJECTED[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean valueIsZero(byte[] body, int from, int length) {
    int at = from;
    while (at < length && (body[at] == ':' || body[at] == ' ')) {
      at++;
    }
    return at < length
        && body[at] == '0'
        && (at + 1 == length || body[at + 1] < '0' || body[at + 1] > '9');
  }
}
