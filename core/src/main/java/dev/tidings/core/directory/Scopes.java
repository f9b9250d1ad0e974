// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// What a client may do: words such as `topics:read`, or `topics:publish:news` for one object, with
/// white space between them (API of fastpubsub).
public final class Scopes {
  /// The most bytes they may have as UTF-8: they are sent with every token.
  public static final int MAX_BYTES = 2000;

  private static final Pattern SPACE = Pattern.compile("(?U)\\s+");

  private final String text;
  private final Set<String> words;

  private Scopes(String text) {
    this.text = text;
    this.words = Collections.unmodifiableSet(new LinkedHashSet<>(wordsOf(text)));
  }

  private static List<String> wordsOf(String text) {
    return SPACE.splitAsStream(text).filter(word -> !word.isEmpty()).toList();
  }

  /// What is wrong with `text`, in the words of the API; empty if it can be had by [#of].
  public static Optional<String> fault(String text) {
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_BYTES) {
      return Optional.of(
          "The scopes have " + bytes + " bytes (expected: at most " + MAX_BYTES + ")");
    }
    return wordsOf(text).stream()
        .filter(word -> !Scope.isSpeltBy(word) || word.chars().anyMatch(Character::isISOControl))
        .findFirst()
        .map(word -> "Invalid scope " + word);
  }

  /// The scopes that `text` spells.
  ///
  /// @throws IllegalArgumentException if it has a [#fault]
  public static Scopes of(String text) {
    fault(text)
        .ifPresent(fault -> {
          throw new IllegalArgumentException(fault);
        });
    return new Scopes(text);
  }

  /// Scopes as they were stored; what this program does not know of them allows nothing.
  public static Scopes stored(String text) {
    return new Scopes(text);
  }

  /// As they were given.
  public String text() {
    return text;
  }

  /// Whether they allow `scope` whatever its object.
  public boolean allows(Scope scope) {
    return words.contains(Scope.ALL.text()) || words.contains(scope.text());
  }

  /// Whether they allow `scope` with the object `id`.
  public boolean allows(Scope scope, String id) {
    return allows(scope) || (!id.isEmpty() && words.contains(scope.text() + ":" + id));
  }

  /// Whether they allow `scope` with some object.
  public boolean allowsSome(Scope scope) {
    String prefix = scope.text() + ":";
    return allows(scope)
        || words.stream().anyMatch(word -> word.startsWith(prefix) && !word.equals(prefix));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Scopes that && text.equals(that.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }
}
