// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One walk of a key through a tree of patterns, word by word, with all nodes at once that the
/// words so far lead to.
///
/// Whatever a `#` may stand for, no node is walked from twice for one word: so a walk takes at most
/// as many steps as the key has words times the nodes that its beginnings lead to, and never one
/// for each way to match.
final class PatternWalk {
  /// Where the words so far lead to, without the nodes behind a `#`.
  private List<PatternNode> here = new ArrayList<>();

  /// Nodes right behind a `#`: once reached, they stay so to the end, since `#` takes any further
  /// word too.
  private final Set<PatternNode> behindHash = Collections.newSetFromMap(new IdentityHashMap<>(4));

  /// Those of them from which patterns go on.
  private final List<PatternNode> staying = new ArrayList<>();

  private Set<Target> targets = Set.of();
  private boolean isOwn;
  private int steps;

  private PatternWalk() {}

  /// Walks `key` through the tree below `root`.
  static PatternWalk of(PatternNode root, String key) {
    PatternWalk walk = new PatternWalk();
    walk.reach(root, walk.here);
    walk.go(key);
    return walk;
  }

  /// What is bound with patterns that match the key.
  Set<Target> targets() {
    return targets;
  }

  /// How often a node was looked at.
  int steps() {
    return steps;
  }

  private void go(String key) {
    for (int from = 0; from <= key.length(); ) {
      if (here.isEmpty() && staying.isEmpty()) {
        return;
      }
      int end = PatternNode.wordEnd(key, from);
      step(key.substring(from, end));
      from = end + 1;
    }
    for (PatternNode node : here) {
      found(node);
    }
  }

  private void step(String word) {
    List<PatternNode> next = new ArrayList<>();
    // Those that this word leads to are for the next one.
    int stayed = staying.size();
    for (PatternNode node : here) {
      step(node, word, next);
    }
    for (int i = 0; i < stayed; i++) {
      step(staying.get(i), word, next);
    }
    here = next;
  }

  private void step(PatternNode node, String word, List<PatternNode> next) {
    steps++;
    reach(node.words().get(word), next);
    reach(node.star(), next);
  }

  private void reach(@Nullable PatternNode node, List<PatternNode> next) {
    if (node == null) {
      return;
    }
    steps++;
    next.add(node);
    // A `#` may stand for no word. Where one has been reached before, those behind it have too.
    for (PatternNode behind = node.hash();
        behind != null && behindHash.add(behind);
        behind = behind.hash()) {
      steps++;
      found(behind);
      if (!behind.endsHere()) {
        staying.add(behind);
      }
    }
  }

  private void found(PatternNode node) {
    if (node.targets().isEmpty()) {
      return;
    }
    if (targets.isEmpty()) {
      targets = node.targets();
      return;
    }
    // Most keys match one pattern, whose set does as it is.
    if (!isOwn) {
      targets = new HashSet<>(targets);
      isOwn = true;
    }
    targets.addAll(node.targets());
  }
}
