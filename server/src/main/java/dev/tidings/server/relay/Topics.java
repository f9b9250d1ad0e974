// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.User;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.MessageId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Names and places as the relay API spells them, and who may read them.
final class Topics {
  private Topics() {}

  /// The most characters a topic's name may have.
  static final int MAX_NAME = 255;

  /// What is wrong with `name` where messages are published: it has to be made of letters and
  /// digits of any script, `-` and `_`, with at least one letter or digit (relay contract, section
  /// 4). Empty if nothing is.
  static Optional<String> fault(String name) {
    boolean alphanumeric = false;
    for (int i = 0; i < name.length(); ) {
      int c = name.codePointAt(i);
      i += Character.charCount(c);
      if (Character.isLetter(c) || isNumeric(c)) {
        alphanumeric = true;
      } else if (c != '-' && c != '_') {
        return Optional.of(
            "Topic must contain only alphanumeric characters, hyphens, and underscores");
      }
    }
    return alphanumeric
        ? Optional.empty()
        : Optional.of("Topic must contain at least one alphanumeric character");
  }

  /// As Python's `str.isalnum` counts: decimal digits, other digits and number letters.
  private static boolean isNumeric(int c) {
    return switch (Character.getType(c)) {
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> true;
      default -> false;
    };
  }

  /// Where a reader begins who names a place by `id`.
  static Start startAfter(String id) {
    return MessageId.parse(id)
        .<Start>map(it -> it.incarnation() == 0 ? new Start.Earliest() : new Start.After(it))
        .orElseGet(Start.Unknown::new);
  }

  /// Those of `topics` that `user` may not read.
  static List<String> denied(Directory directory, User user, Collection<String> topics) {
    List<String> denied = new ArrayList<>();
    for (String topic : topics) {
      if (!AccessPolicy.mayRead(user, directory.topic(topic))) {
        denied.add(topic);
      }
    }
    return denied;
  }

  /// The text of a refusal, with the list as Python prints it (relay contract, section 5).
  static String deniedText(Collection<String> topics) {
    return topics.stream()
        .map(Topics::pythonRepr)
        .collect(Collectors.joining(", ", "Access denied to topics: [", "]"));
  }

  private static String pythonRepr(String text) {
    return text.contains("'") && !text.contains("\"")
        ? "\"" + text.replace("\\", "\\\\") + "\""
        : "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
