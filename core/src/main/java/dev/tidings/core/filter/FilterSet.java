// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import dev.tidings.core.filter.Filter.Accepted;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/// An immutable set of distinct filters, compiled so that a [FilterEvaluator] decides all of them
/// in one pass over a payload.
///
/// Each filter has a place from 0 on, in the order they were given. A change is a new set, whose
/// places are its own; making one costs as much as the filters have values. It takes memory in
/// proportion to that, too.
public final class FilterSet {
  /// No filter.
  public static final FilterSet EMPTY = of(List.of());

  private final List<Filter> filters;
  private final Map<Filter, Integer> places;
  private final BitSet matchingAll;
  private final TextTable keys;
  private final KeyFilters[] byKey;
  private final int[] keyCounts;

  private FilterSet(List<Filter> filters) {
    this.filters = filters;
    places = new HashMap<>();
    matchingAll = new BitSet();
    keyCounts = new int[filters.size()];
    Map<Text, KeyFilters.Builder> building = new HashMap<>();
    for (int place = 0; place < filters.size(); place++) {
      Filter filter = filters.get(place);
      places.put(filter, place);
      keyCounts[place] = filter.keys().size();
      if (filter.matchesAll()) {
        matchingAll.set(place);
      } else if (!filter.matchesNothing()) {
        for (Map.Entry<Text, Accepted> key : filter.keys().entrySet()) {
          building
              .computeIfAbsent(key.getKey(), _ -> new KeyFilters.Builder())
              .add(key.getValue(), place);
        }
      }
    }
    keys = new TextTable(building.keySet());
    byKey =
        keys.texts().stream()
            .map(key -> building.getOrDefault(key, new KeyFilters.Builder()).build())
            .toArray(KeyFilters[]::new);
  }

  /// The set of `filters`; of equal ones the first is taken.
  public static FilterSet of(Collection<Filter> filters) {
    return new FilterSet(List.copyOf(new LinkedHashSet<>(filters)));
  }

  /// How many filters there are.
  public int size() {
    return filters.size();
  }

  /// The filter at `place`, from 0 to [#size] exclusive.
  public Filter get(int place) {
    return filters.get(place);
  }

  /// The place of `filter`, or -1 if it is not in the set.
  public int placeOf(Filter filter) {
    return places.getOrDefault(filter, -1);
  }

  /// The places of those that every payload matches; not to be changed.
  BitSet matchingAll() {
    return matchingAll;
  }

  /// The keys that any filter names which could match.
  TextTable keys() {
    return keys;
  }

  /// What is demanded of the key of this number.
  KeyFilters byKey(int key) {
    return byKey[key];
  }

  /// How many keys the filter at `place` names.
  int keyCount(int place) {
    return keyCounts[place];
  }

  @Override
  public String toString() {
    return "FilterSet" + filters;
  }
}
