// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import dev.tidings.core.message.Payload;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Which payloads a subscription wants: for each key it names, the values that are accepted.
///
/// A payload matches if it is an object whose top level has every key of the filter with one of the
/// accepted values. Strings, booleans, arrays and objects are compared as text, numbers by value
/// with numbers and as written with strings; a key that is missing or null does not match. Without
/// keys, every payload matches.
///
/// Two filters are equal if they accept the same values, however they are written.
public final class Filter {
  /// The filter that every payload matches, written `{}`.
  public static final Filter ALL = new Filter(Payload.of("{}"), Map.of());

  /// What one key may be: decoded texts, and numbers in canonical form. A number of the filter is
  /// in both, since a string may hold its text.
  record Accepted(Set<Text> texts, Set<Text> numbers) {
    // The sets are hash sets because those stay quick whatever hashes their elements have.
    Accepted {
      texts = Collections.unmodifiableSet(texts);
      numbers = Collections.unmodifiableSet(numbers);
    }

    boolean isEmpty() {
      return texts.isEmpty();
    }
  }

  private final Payload json;
  private final Map<Text, Accepted> keys;
  private final int hash;

  private Filter(Payload json, Map<Text, Accepted> keys) {
    this.json = json;
    this.keys = Collections.unmodifiableMap(keys);
    this.hash = keys.hashCode();
  }

  /// The filter that `json`, a valid JSON text, describes; empty unless it is an object of arrays
  /// of strings, numbers and booleans. Of two equal keys the later counts.
  public static Optional<Filter> parse(Payload json) {
    return new Parsing(json).filter();
  }

  /// Whether every payload matches, even one that is no object.
  public boolean matchesAll() {
    return keys.isEmpty();
  }

  /// Whether no payload can match, because a key accepts no value.
  public boolean matchesNothing() {
    return keys.values().stream().anyMatch(Accepted::isEmpty);
  }

  /// The JSON text the filter was made from, exactly as it was given.
  public Payload json() {
    return json;
  }

  Map<Text, Accepted> keys() {
    return keys;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Filter that && hash == that.hash && keys.equals(that.keys);
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return "Filter[" + json.text() + "]";
  }

  /// One pass over the text of a filter.
  private static final class Parsing {
    /// What the canonical form of a number may be longer than its text.
    private static final int CANONICAL_MARGIN = 16;

    private final Payload json;
    private final JsonScanner scanner = new JsonScanner();
    private final TextBuffer buffer = new TextBuffer();
    private final Map<Text, Accepted> keys = new HashMap<>();
    private int place;

    private Parsing(Payload json) {
      this.json = json;
      scanner.over(json);
    }

    private Optional<Filter> filter() {
      place = scanner.skipSpace(0);
      if (scanner.at(place) != '{') {
        return Optional.empty();
      }
      next();
      while (scanner.at(place) == '"') {
        Text key = string();
        place = scanner.skipSpace(scanner.closingQuote(place) + 1);
        next(); // past the colon
        Optional<Accepted> accepted = array();
        if (accepted.isEmpty()) {
          return Optional.empty();
        }
        keys.put(key, accepted.get());
        next();
        if (scanner.at(place) == ',') {
          next();
        }
      }
      return Optional.of(new Filter(json, keys));
    }

    /// The array at the place, which then is that of its closing bracket.
    private Optional<Accepted> array() {
      if (scanner.at(place) != '[') {
        return Optional.empty();
      }
      Set<Text> texts = new HashSet<>();
      Set<Text> numbers = new HashSet<>();
      next();
      while (scanner.at(place) != ']') {
        switch (scanner.at(place)) {
          case '"' -> texts.add(string());
          case 't', 'f' -> texts.add(scalar());
          case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> {
            texts.add(scalar());
            buffer.begin(json.size() + CANONICAL_MARGIN);
            if (scanner.number(place, buffer)) {
              numbers.add(buffer.toText());
            }
          }
          default -> {
            return Optional.empty();
          }
        }
        place = scanner.skipSpace(scanner.valueEnd(place));
        if (scanner.at(place) == ',') {
          next();
        }
      }
      return Optional.of(new Accepted(texts, numbers));
    }

    private void next() {
      place = scanner.skipSpace(place + 1);
    }

    private Text string() {
      buffer.begin(json.size());
      scanner.string(place, buffer);
      return buffer.toText();
    }

    private Text scalar() {
      buffer.begin(json.size());
      scanner.scalar(place, buffer);
      return buffer.toText();
    }
  }
}
