// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.server.wire.Fields;
import java.util.Set;
import java.util.regex.Pattern;

/// The ids of topics and subscriptions as the pubsub API spells them (API of fastpubsub).
final class PubsubNames {
  private static final int MAX = 128;

  // As it is told to clients, and as the JDK reads it.
  private static final String SPELT = "^[a-zA-Z0-9-._]+$";
  private static final Pattern VALID = Pattern.compile("[a-zA-Z0-9\\-._]+");

  /// The path of the relay's statistics.
  private static final String RESERVED = "stats";

  private PubsubNames() {}

  /// What stands for a folder in a path, so that no call could name it.
  private static final Set<String> FOLDERS = Set.of(".", "..");

  /// Reads the id in the field `name`.
  static String read(Fields fields, String name) {
    String id = fields.matching(name, MAX, VALID, SPELT);
    if (FOLDERS.contains(id)) {
      fields.invalid(name, "the id '" + id + "' cannot stand in a path; choose another");
    }
    return id;
  }

  /// Reads the id of a topic to be created.
  static String readNewTopic(Fields fields, String name) {
    String id = read(fields, name);
    if (id.equals(RESERVED)) {
      fields.invalid(name, "the id 'stats' is reserved; choose another");
    }
    return id;
  }

  /// Whether this API can spell `id`.
  static boolean canSpell(String id) {
    return id.length() <= MAX && VALID.matcher(id).matches();
  }
}
