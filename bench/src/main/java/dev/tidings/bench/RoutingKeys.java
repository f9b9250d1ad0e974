// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

/// The keys of an exchange's bindings, and of what is published to it. Names are as the types of
/// exchanges.
enum RoutingKeys {
  /// Every binding has a key of its own.
  direct {
    @Override
    String ofBinding(int index) {
      return ofMessage(index);
    }
  },

  /// Every binding has a pattern of its own, of four shapes in turn; a message's key matches one of
  /// them.
  topic {
    @Override
    String ofBinding(int index) {
      String word = word(index);
      return switch (index % 4) {
        case 0 -> "#." + word + ".*.*";
        case 1 -> "*." + word + ".#";
        case 2 -> "shop.#." + word + ".order.#";
        default -> "shop." + word + ".*.north";
      };
    }
  };

  /// The most bindings that have different words.
  static final int MAX_BINDINGS = 1_000_000;

  /// A key that no binding is for.
  static final String UNBOUND = "shop.nobody.order.north";

  /// The key of binding number `index`.
  abstract String ofBinding(int index);

  /// The key of a message that binding number `index` routes, and no other.
  String ofMessage(int index) {
    return "shop." + word(index) + ".order.north";
  }

  private static String word(int index) {
    return "w%06d".formatted(index);
  }
}
