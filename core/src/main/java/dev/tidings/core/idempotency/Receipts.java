// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.idempotency;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The receipts that are kept, and which request each key belongs to.
///
/// Shards share it, since two requests under one key may concern topics of different shards. A
/// shard [claims][#claim] a key before it publishes and [keeps][#keep] the receipt afterwards, all
/// within one command; a receipt that turns out not to be durable it [forgets][#forget]. So a
/// request that comes again while the first is under way finds its receipt already, and since an
/// answer waits for the newest batch its handler could see, it is answered when that is durable.
public final class Receipts {
  /// So many runs of ids in a receipt count as one key more.
  private static final int RUNS_OF_ONE = 16;

  private final Limits limits;
  private final ConcurrentMap<Key, Used> used = new ConcurrentHashMap<>();
  // Of each user and in all: receipts, and keys that have none.
  private final ConcurrentMap<String, Integer> countByUser = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  // Where the store has receipts that nobody needs any more.
  private final Set<Integer> slotsToClear = ConcurrentHashMap.newKeySet();

  /// The bounds of what is kept.
  ///
  /// @param retentionMs how long a receipt is kept, in milliseconds
  /// @param keysPerUser keys of one user; one that leaves several receipts, since its request
  ///   concerned several topics, counts as so many, and one whose messages are due at many times as
  ///   one more for every 16 of them
  /// @param keys keys in all, counted likewise
  public record Limits(long retentionMs, int keysPerUser, int keys) {
    /// What holds unless something else is said: 600 s and 10,000 keys a user, as the API of
    /// pulsar-relay after v0.1.0 has it, and 200,000 keys in all.
    public static final Limits DEFAULT = new Limits(600_000, 10_000, 200_000);
  }

  private record Key(String userId, String key) {
    static Key of(KeyedRequest request) {
      return new Key(request.userId(), request.key());
    }
  }

  /// A key in use. Immutable, so that the map's own atomicity is enough.
  private record Used(Fingerprint fingerprint, long expiresAt, Map<Integer, Receipt> receipts) {
    Used with(Receipt receipt) {
      Map<Integer, Receipt> more = new HashMap<>(receipts);
      more.put(receipt.request().item(), receipt);
      return new Used(fingerprint, Math.max(expiresAt, receipt.expiresAt()), Map.copyOf(more));
    }

    int weight() {
      int weight = 0;
      for (Receipt receipt : receipts.values()) {
        weight += 1 + receipt.runs().size() / RUNS_OF_ONE;
      }
      return Math.max(1, weight);
    }

    @Nullable Used without(Receipt receipt) {
      Map<Integer, Receipt> fewer = new HashMap<>(receipts);
      fewer.remove(receipt.request().item(), receipt);
      return fewer.isEmpty() ? null : new Used(fingerprint, expiresAt, Map.copyOf(fewer));
    }
  }

  /// What is known of a request under a key.
  public sealed interface Known {
    /// It has not been made yet.
    record Fresh() implements Known {}

    /// It has been made before.
    ///
    /// @param receipt what came of it
    record Repeated(Receipt receipt) implements Known {}

    /// Another request was made under the key.
    record OtherRequest() implements Known {}

    /// There are as many keys as there may be.
    ///
    /// @param detail how many, and what to do
    record NoRoom(String detail) implements Known {}
  }

  /// Receipts within `limits`, beginning with those that the store held.
  ///
  /// @param now milliseconds since 1970: what has expired by then is left out
  public Receipts(Limits limits, Collection<Receipt> stored, long now) {
    this.limits = limits;
    for (Receipt receipt : stored) {
      if (receipt.expiresAt() > now) {
        keep(receipt);
      } else {
        slotsToClear.add(receipt.slot());
      }
    }
  }

  /// Until when a receipt is kept that is made now.
  public long expiryOf(long now) {
    return now + limits.retentionMs();
  }

  /// What is known of `request`; claims nothing.
  public Known find(KeyedRequest request, long now) {
    Used known = used.get(Key.of(request));
    return known == null || known.expiresAt() <= now ? new Known.Fresh() : knownOf(known, request);
  }

  private static Known knownOf(Used known, KeyedRequest request) {
    if (!known.fingerprint().equals(request.fingerprint())) {
      return new Known.OtherRequest();
    }
    Receipt receipt = known.receipts().get(request.item());
    return receipt == null ? new Known.Fresh() : new Known.Repeated(receipt);
  }

  /// Makes sure that the key of `request` belongs to it from now on, unless it is another's.
  public Known claim(KeyedRequest request, long now) {
    Known[] result = {new Known.Fresh()};
    change(
        Key.of(request),
        known -> {
          if (known != null && known.expiresAt() > now) {
            Known live = knownOf(known, request);
            boolean isFurtherPart = live instanceof Known.Fresh;
            result[0] = isFurtherPart && isFull(request.userId()) ? noRoom() : live;
            return known;
          }
          if (isFull(request.userId())) {
            result[0] = noRoom();
            return known;
          }
          if (known != null) {
            clear(known);
          }
          return new Used(request.fingerprint(), expiryOf(now), Map.of());
        });
    return result[0];
  }

  private Known noRoom() {
    return new Known.NoRoom(
        "too many idempotency keys are in use (limits: "
            + limits.keysPerUser()
            + " a user, "
            + limits.keys()
            + " in all); one is free again "
            + limits.retentionMs() / 1000
            + " s after its use");
  }

  private void clear(Used expired) {
    expired.receipts().values().forEach(receipt -> slotsToClear.add(receipt.slot()));
  }

  private boolean isFull(String userId) {
    // Claims at the same moment may pass the bounds by as many as there are shards.
    return count.get() >= limits.keys()
        || countByUser.getOrDefault(userId, 0) >= limits.keysPerUser();
  }

  /// Gives up a claim under which nothing was carried out.
  public void release(KeyedRequest request) {
    change(Key.of(request), known -> known != null && known.receipts().isEmpty() ? null : known);
  }

  /// Keeps what came of a request whose key was claimed.
  public void keep(Receipt receipt) {
    change(
        Key.of(receipt.request()),
        known -> {
          Used before =
              known != null
                  ? known
                  : new Used(receipt.request().fingerprint(), receipt.expiresAt(), Map.of());
          return before.with(receipt);
        });
  }

  /// Forgets a receipt that never became durable.
  public void forget(Receipt receipt) {
    change(Key.of(receipt.request()), known -> known == null ? null : known.without(receipt));
  }

  /// Changes what is known of one key, atomically, and counts.
  private void change(Key key, UnaryOperator<@Nullable Used> change) {
    var _ =
        used.compute(
            key,
            (_, known) -> {
              Used after = change.apply(known);
              count(
                  key, (after == null ? 0 : after.weight()) - (known == null ? 0 : known.weight()));
              return after;
            });
  }

  private void count(Key key, int change) {
    if (change != 0) {
      count.addAndGet(change);
      var _ =
          countByUser.merge(
              key.userId(), change, (a, b) -> a + b == 0 ? null : Integer.valueOf(a + b));
    }
  }

  /// Forgets what has expired, so that there is room for other keys.
  public void makeRoom(long now) {
    for (Map.Entry<Key, Used> entry : used.entrySet()) {
      Used known = entry.getValue();
      if (known.expiresAt() <= now && used.remove(entry.getKey(), known)) {
        count(entry.getKey(), -known.weight());
        clear(known);
      }
    }
  }

  /// Forgets what has expired, and tells in which slots the store has something to forget.
  public Set<Integer> sweep(long now) {
    makeRoom(now);
    Set<Integer> slots = Set.copyOf(slotsToClear);
    slotsToClear.removeAll(slots);
    return slots;
  }

  /// How many keys are in use.
  public int keys() {
    return used.size();
  }
}
