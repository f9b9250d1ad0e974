// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

final class FilterMixTest {
  @Property(tries = 200)
  void share_countsWhatItHas(
      @ForAll FilterMix mix,
      @ForAll @IntRange(min = 1, max = 20) int count,
      @ForAll @IntRange(min = 0, max = 300) int published) {
    for (int i = 0; i < count; i++) {
      var share = mix.share(i, count);
      assertThat(share.of(published))
          .isEqualTo(LongStream.range(0, published).filter(share::has).count());
    }
  }

  @Test
  void deliveries_areThoseOfAllSubscriptions() {
    assertThat(FilterMix.none.deliveries(1001, 10)).isEqualTo(10_010);
    assertThat(FilterMix.same.deliveries(1001, 10)).isEqualTo(5010);
    assertThat(FilterMix.distinct.deliveries(1001, 10)).isEqualTo(1001);
  }
}
