// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import dev.tidings.core.message.Payload;
import java.util.Arrays;
import java.util.BitSet;

/// Decides which filters of a set a payload matches, reading the payload once and allocating
/// nothing but its scratch, which it keeps.
///
/// The scratch grows with the largest set it has seen: some numbers for each filter and key, and at
/// most the longest text that a filter accepts. It serves any number of sets, one thread at a time.
public final class FilterEvaluator {
  private static final int ABSENT = -1;

  private final JsonScanner json = new JsonScanner();
  private final TextBuffer text = new TextBuffer();

  /// By key: where its last value begins, or [#ABSENT].
  private int[] values = {};

  /// The keys that have a value.
  private int[] found = {};

  private int foundCount;

  /// By filter: how many of its keys have a value it accepts.
  private int[] hits = {};

  /// The filters with a hit.
  private int[] hit = {};

  private int hitCount;

  /// Sets in `into` the places of the filters of `set` that `payload`, a valid JSON text, matches,
  /// and clears all others.
  public void evaluate(FilterSet set, Payload payload, BitSet into) {
    into.clear();
    into.or(set.matchingAll());
    if (set.keys().size() == 0) {
      return;
    }
    begin(set);
    json.over(payload);
    findValues(set.keys());
    for (int i = 0; i < foundCount; i++) {
      int key = found[i];
      count(set.byKey(key).accepting(json, values[key], text));
    }
    for (int i = 0; i < hitCount; i++) {
      if (hits[hit[i]] == set.keyCount(hit[i])) {
        into.set(hit[i]);
      }
    }
    json.over(Payload.EMPTY); // so that nobody keeps the payload
  }

  /// Undoes what the last evaluation noted, and makes room for this one.
  private void begin(FilterSet set) {
    for (int i = 0; i < foundCount; i++) {
      values[found[i]] = ABSENT;
    }
    foundCount = 0;
    for (int i = 0; i < hitCount; i++) {
      hits[hit[i]] = 0;
    }
    hitCount = 0;
    if (values.length < set.keys().size()) {
      values = new int[set.keys().size()];
      Arrays.fill(values, ABSENT);
      found = new int[values.length];
    }
    if (hits.length < set.size()) {
      hits = new int[set.size()];
      hit = new int[set.size()];
    }
  }

  private void findValues(TextTable keys) {
    int place = json.skipSpace(0);
    if (json.at(place) != '{') {
      return;
    }
    place = json.skipSpace(place + 1);
    while (json.at(place) == '"') {
      int close = json.closingQuote(place);
      int key = key(keys, place, close);
      place = json.skipSpace(close + 1);
      place = json.skipSpace(place + 1); // past the colon
      if (key >= 0) {
        if (values[key] == ABSENT) {
          found[foundCount++] = key;
        }
        values[key] = place;
      }
      place = json.skipSpace(json.valueEnd(place));
      if (json.at(place) != ',') {
        return;
      }
      place = json.skipSpace(place + 1);
    }
  }

  private int key(TextTable keys, int open, int close) {
    if (json.lastWasPlain() && !keys.mayHoldLength(close - open - 1)) {
      return -1;
    }
    text.begin(keys.longest());
    json.string(open, text);
    return keys.find(text);
  }

  private void count(int[] accepting) {
    for (int filter : accepting) {
      if (hits[filter]++ == 0) {
        hit[hitCount++] = filter;
      }
    }
  }
}
