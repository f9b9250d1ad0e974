// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Binding;
import java.util.Collection;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pcollections.TreePMap;
import org.pcollections.TreePSet;

/// A node of a tree of patterns: all that begin with the words which lead to it. Immutable, and
/// none but the root is empty.
///
/// Words are what lies between dots: there is one more than there are dots, and they may be empty.
/// Methods that take a pattern and where its next word begins call themselves once a word, which
/// the length of routing keys bounds; after the last word that is beyond the end.
///
/// @param words where other words than the wildcards lead
/// @param star where `*` leads; null if no pattern goes on so
/// @param hash where `#` leads; null if no pattern goes on so
/// @param targets bound with the pattern that ends here
record PatternNode(
    TreePMap<String, PatternNode> words,
    @Nullable PatternNode star,
    @Nullable PatternNode hash,
    TreePSet<Target> targets) {
  static final char SEPARATOR = '.';
  private static final String STAR = "*";
  private static final String HASH = "#";
  private static final PatternNode EMPTY =
      new PatternNode(TreePMap.empty(), null, null, TreePSet.empty(Target.ORDER));

  /// The tree of the patterns of these bindings.
  static PatternNode of(Collection<Binding> bindings) {
    Growing root = new Growing();
    for (Binding binding : bindings) {
      root.add(binding.routingKey(), Target.of(binding));
    }
    return root.grown();
  }

  PatternNode with(String pattern, int from, Target target) {
    if (from > pattern.length()) {
      return new PatternNode(words, star, hash, targets.plus(target));
    }
    int end = wordEnd(pattern, from);
    String word = pattern.substring(from, end);
    PatternNode child = child(word);
    return withChild(word, (child == null ? EMPTY : child).with(pattern, end + 1, target));
  }

  PatternNode without(String pattern, int from, Target target) {
    if (from > pattern.length()) {
      return new PatternNode(words, star, hash, targets.minus(target));
    }
    int end = wordEnd(pattern, from);
    String word = pattern.substring(from, end);
    PatternNode child = child(word);
    return child == null ? this : withChild(word, child.without(pattern, end + 1, target));
  }

  boolean isEmpty() {
    return isLeaf() && targets.isEmpty();
  }

  /// Whether no pattern goes on here but with `#`, which leads to a node of its own.
  boolean endsHere() {
    return words.isEmpty() && star == null;
  }

  private boolean isLeaf() {
    return endsHere() && hash == null;
  }

  private @Nullable PatternNode child(String word) {
    return switch (word) {
      case STAR -> star;
      case HASH -> hash;
      default -> words.get(word);
    };
  }

  private PatternNode withChild(String word, PatternNode child) {
    @Nullable PatternNode kept = child.isEmpty() ? null : child;
    return switch (word) {
      case STAR -> new PatternNode(words, kept, hash, targets);
      case HASH -> new PatternNode(words, star, kept, targets);
      default ->
          new PatternNode(
              kept == null ? words.minus(word) : words.plus(word, kept), star, hash, targets);
    };
  }

  /// Where the word of `text` that begins at `from` ends: at a dot or at the end.
  static int wordEnd(String text, int from) {
    int dot = text.indexOf(SEPARATOR, from);
    return dot < 0 ? text.length() : dot;
  }

  /// A node while many patterns are put into the tree at once.
  private static final class Growing {
    private final TreeMap<String, Growing> children = new TreeMap<>();
    private final TreeSet<Target> targets = new TreeSet<>(Target.ORDER);

    void add(String pattern, Target target) {
      Growing node = this;
      for (int from = 0; from <= pattern.length(); ) {
        int end = wordEnd(pattern, from);
        node = node.children.computeIfAbsent(pattern.substring(from, end), _ -> new Growing());
        from = end + 1;
      }
      node.targets.add(target);
    }

    PatternNode grown() {
      @Nullable PatternNode star = grown(children.remove(STAR));
      @Nullable PatternNode hash = grown(children.remove(HASH));
      TreeMap<String, PatternNode> words = new TreeMap<>();
      children.forEach((word, child) -> words.put(word, child.grown()));
      return new PatternNode(
          TreePMap.fromSortedMap(words), star, hash, TreePSet.fromSortedSet(targets));
    }

    private static @Nullable PatternNode grown(@Nullable Growing node) {
      return node == null ? null : node.grown();
    }
  }
}
