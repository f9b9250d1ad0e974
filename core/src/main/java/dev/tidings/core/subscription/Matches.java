// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

/// Which messages of a log a subscription delivers, as far as that is known.
interface Matches {

  /// The first match at or after `sequence`, among those that were evaluated; [Long#MAX_VALUE] if
  /// there is none.
  long firstFrom(long sequence);

  /// Everything up to this sequence was evaluated.
  long evaluatedTo();

  /// Whether there is a filter: without one, everything matches, and nothing has to be evaluated.
  boolean isFiltered();

  /// How many matches lie from `from` to `to`; only if there is a filter.
  long count(long from, long to);

  /// Without a filter everything matches.
  Matches ALL =
      new Matches() {
        @Override
        public long firstFrom(long sequence) {
          return sequence;
        }

        @Override
        public long evaluatedTo() {
          return Long.MAX_VALUE;
        }

        @Override
        public boolean isFiltered() {
          return false;
        }

        @Override
        public long count(long from, long to) {
          throw new UnsupportedOperationException("without a filter the log's own count is used");
        }
      };
}
