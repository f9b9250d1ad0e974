// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import dev.tidings.core.filter.Filter.Accepted;
import dev.tidings.core.message.Payload;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/// What the filters of a set demand of one key: for each value, the places of those that accept it.
///
/// A value is in at most one text, so that a filter is named at most once for a key.
final class KeyFilters {
  private static final int[] NONE = {};

  private final TextTable texts;
  private final TextTable numbers;

  /// By number of the text: who accepts it in a value that is no number.
  private final int[][] byText;

  /// By number of the text: who accepts it in a number, be it for its text or for its value.
  private final int[][] byTextOfNumber;

  /// By number of the canonical form: who accepts it in a number whose text nobody has.
  private final int[][] byNumber;

  /// The longest text that an array or object could have, in bytes; 0 if there is none.
  private final int longestContainer;

  private KeyFilters(Map<Text, int[]> acceptingTexts, Map<Text, int[]> acceptingNumbers) {
    texts = new TextTable(acceptingTexts.keySet());
    numbers = new TextTable(acceptingNumbers.keySet());
    byText = new int[texts.size()][];
    byTextOfNumber = new int[texts.size()][];
    byNumber = new int[numbers.size()][];
    JsonScanner scanner = new JsonScanner();
    TextBuffer canonical = new TextBuffer();
    int longest = 0;
    for (int i = 0; i < byText.length; i++) {
      Text text = texts.texts().get(i);
      int[] accepting = acceptingTexts.getOrDefault(text, NONE);
      byText[i] = accepting;
      // Of a text that is no number this makes nonsense, which no number of a payload looks up.
      scanner.over(Payload.wrap(text.bytes()));
      canonical.begin(numbers.longest());
      byTextOfNumber[i] =
          scanner.number(0, canonical) && canonical.fits()
              ? union(accepting, acceptingNumbers.getOrDefault(canonical.toText(), NONE))
              : accepting;
      if (text.first() == '[' || text.first() == '{') {
        longest = Math.max(longest, text.length());
      }
    }
    for (int i = 0; i < byNumber.length; i++) {
      byNumber[i] = acceptingNumbers.getOrDefault(numbers.texts().get(i), NONE);
    }
    longestContainer = longest;
  }

  /// The places, within a set, of the filters that accept the value at `place`.
  int[] accepting(JsonScanner json, int place, TextBuffer scratch) {
    return switch (json.at(place)) {
      case '"' -> {
        scratch.begin(texts.longest());
        json.string(place, scratch);
        yield of(byText, texts.find(scratch));
      }
      case 't', 'f' -> {
        scratch.begin(texts.longest());
        json.scalar(place, scratch);
        yield of(byText, texts.find(scratch));
      }
      case '[', '{' -> {
        scratch.begin(longestContainer);
        json.container(place, scratch);
        yield of(byText, texts.find(scratch));
      }
      case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' ->
          acceptingNumber(json, place, scratch);
      default -> NONE; // null
    };
  }

  private int[] acceptingNumber(JsonScanner json, int place, TextBuffer scratch) {
    scratch.begin(texts.longest());
    json.scalar(place, scratch);
    int text = texts.find(scratch);
    if (text >= 0) {
      return byTextOfNumber[text];
    }
    if (byNumber.length == 0) {
      return NONE;
    }
    scratch.begin(numbers.longest());
    return json.number(place, scratch) ? of(byNumber, numbers.find(scratch)) : NONE;
  }

  private static int[] of(int[][] accepting, int number) {
    return number < 0 ? NONE : accepting[number];
  }

  private static int[] union(int[] some, int[] others) {
    return IntStream.concat(Arrays.stream(some), Arrays.stream(others)).distinct().toArray();
  }

  /// Gathers what filters demand of one key.
  static final class Builder {
    private final Map<Text, IntStream.Builder> texts = new HashMap<>();
    private final Map<Text, IntStream.Builder> numbers = new HashMap<>();

    /// Notes that the filter at `place` accepts what `accepted` says; each place once.
    void add(Accepted accepted, int place) {
      for (Text text : accepted.texts()) {
        texts.computeIfAbsent(text, _ -> IntStream.builder()).add(place);
      }
      for (Text number : accepted.numbers()) {
        numbers.computeIfAbsent(number, _ -> IntStream.builder()).add(place);
      }
    }

    KeyFilters build() {
      return new KeyFilters(built(texts), built(numbers));
    }

    private static Map<Text, int[]> built(Map<Text, IntStream.Builder> gathered) {
      Map<Text, int[]> built = new HashMap<>();
      gathered.forEach((text, places) -> built.put(text, places.build().toArray()));
      return built;
    }
  }
}
