// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

/// What values look like, for assertions.
final class Shape {

  /// A UUID of version 7 in the relay's spelling.
  static final String MESSAGE_ID = "msg_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}";

  static final String SESSION_ID = "sess_[0-9a-f]{12}";
  static final String UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

  private static final String DATE_AND_TIME =
      "\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?";
  static final String TIMESTAMP = DATE_AND_TIME + "Z";

  /// How a catch-up poll writes the same thing.
  static final String CATCH_UP_TIMESTAMP = DATE_AND_TIME + "\\+00:00";

  private Shape() {}

  /// An id in the other spelling the relay accepts.
  static String asUuid(String messageId) {
    return messageId
        .substring("msg_".length())
        .replaceFirst("(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5");
  }
}
