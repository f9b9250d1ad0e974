// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Start;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.MessageId;
import dev.tidings.server.wire.Fields;
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

  /// The path of the topics' statistics.
  private static final String RESERVED = "stats";

  private static final String CHARSET =
      "Topic must contain only alphanumeric characters, hyphens, and underscores";

  /// What is wrong with `name`: it has to be made of letters and digits of any script, `-` and `_`,
  /// with at least one letter or digit (API of pulsar-relay v0.1.0). Empty if nothing is.
  static Optional<String> fault(String name) {
    if (name.equals(RESERVED)) {
      return Optional.of("Topic name 'stats' is reserved");
    }
    boolean alphanumeric = false;
    for (int i = 0; i < name.length(); ) {
      int c = name.codePointAt(i);
      i += Character.charCount(c);
      boolean counts = Character.isLetter(c) || isNumeric(c);
      if (!counts && c != '-' && c != '_') {
        return Optional.of(CHARSET);
      }
      alphanumeric |= counts;
    }
    return alphanumeric ? Optional.empty() : Optional.of(CHARSET);
  }

  /// Reads the names of 1 to `max` topics to be received from, each once. They may be of any
  /// characters, and missing ones are waited for, but queues are none of this API's.
  static List<String> read(Fields fields, String name, int max) {
    List<String> topics = fields.strings(name, 1, max, MAX_NAME).stream().distinct().toList();
    if (topics.stream().anyMatch(Queue::isReserved)) {
      fields.invalid(name, "Topic names that begin with '" + Queue.TOPIC_PREFIX + "' are reserved");
    }
    return topics;
  }

  /// As Python's `str.isalnum` counts: decimal digits, other digits and number letters.
  private static boolean isNumeric(int c) {
    return switch (Character.getType(c)) {
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> true;
      default -> false;
    };
  }

  /// Where a reader begins who names a place by `id`. What is no id of ours asks for everything, as
  /// it did from the original (API of pulsar-relay v0.1.0); so does the place before a topic
  /// existed.
  static Start startAfter(String id) {
    return MessageId.parse(id)
        .<Start>map(it -> it.incarnation() == 0 ? new Start.Earliest() : new Start.After(it))
        .orElseGet(Start.Earliest::new);
  }

  /// Where a live reader begins: `last`, `earliest` or the id of a message. Unlike a poll's
  /// `since`, which the original took as it came, a place that is none is refused: a typo must not
  /// replay a whole topic.
  static Optional<Start> startAt(String place) {
    return switch (place) {
      case "last" -> Optional.of(new Start.Last());
      case "earliest" -> Optional.of(new Start.Earliest());
      default ->
          MessageId.parse(place).isEmpty() ? Optional.empty() : Optional.of(startAfter(place));
    };
  }

  /// The rule that `startAt` holds `field` to.
  static String placeRule(String field) {
    return field + " must be 'last', 'earliest' or the id of a message";
  }

  /// The id that `cursor` can go on from. If it has passed no message it names a place all the
  /// same: the end of the log it waits on, or the time `now` before its topic exists.
  static MessageId placeOf(Cursor cursor, long now) {
    return cursor
        .lastPassed()
        .orElseGet(() ->
            new MessageId(
                now,
                Math.max(0, cursor.place() - 1),
                cursor.log().map(TopicLog::incarnation).orElse(0)));
  }

  /// Whether `principal` may go on with `cursor`. What becomes of one whose topic is gone or was
  /// replaced is not decided here: its log tells.
  static boolean mayGoOn(Directory directory, Principal principal, Cursor cursor) {
    Optional<Topic> topic = directory.topic(cursor.topic());
    boolean isItsTopic =
        cursor
            .log()
            .map(log -> topic.isPresent() && topic.get().incarnation() == log.incarnation())
            .orElse(true);
    return !isItsTopic || AccessPolicy.mayRead(principal, topic);
  }

  /// Those of `topics` that `principal` may not read.
  static List<String> denied(Directory directory, Principal principal, Collection<String> topics) {
    List<String> denied = new ArrayList<>();
    for (String topic : topics) {
      if (!AccessPolicy.mayRead(principal, directory.topic(topic))) {
        denied.add(topic);
      }
    }
    return denied;
  }

  /// The end of a cursor whose topic was deleted.
  static String deletedText(String topic) {
    return "Topic '" + topic + "' was deleted";
  }

  /// The text of a refusal, with the list as Python prints it (API of pulsar-relay v0.1.0).
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
