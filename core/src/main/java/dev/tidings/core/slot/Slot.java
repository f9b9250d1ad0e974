// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.slot;

import java.nio.charset.StandardCharsets;

/// Where an entity lies: one of [#COUNT] slots, by a stable hash of its kind and name.
public final class Slot {
  /// How many slots there are.
  public static final int COUNT = 1024;

  /// The name of the hash, recorded in the store: a store written with another one is refused.
  public static final String HASH = "fnv1a64-mix/1024";

  private Slot() {}

  /// What a name names. Names of different kinds never meet. The digit enters the hash: never
  /// change or reuse one.
  public enum Kind {
    /// A topic with its log and subscriptions; a queue with its topic and bindings.
    TOPIC(1),
    /// A user, by username.
    USER(2),
    /// A client, by its id.
    CLIENT(3),
    /// A stream with its log.
    STREAM(4),
    /// A signing key.
    KEY(5),
    /// An exchange.
    EXCHANGE(6);

    private final int digit;

    Kind(int digit) {
      this.digit = digit;
    }
  }

  /// The slot of the entity `name` of `kind`: 0 to 1023. FNV-1a over the kind's digit and the
  /// name's UTF-8 bytes, finished by MurmurHash3's 64-bit mixer, since FNV alone spreads short
  /// names badly over the low bits.
  public static int of(Kind kind, String name) {
    long hash = 0xcbf29ce484222325L;
    hash = (hash ^ kind.digit) * 0x100000001b3L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * 0x100000001b3L;
    }
    hash = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    hash = (hash ^ (hash >>> 33)) * 0xc4ceb9fe1a85ec53L;
    hash ^= hash >>> 33;
    return (int) (hash & (COUNT - 1));
  }
}
