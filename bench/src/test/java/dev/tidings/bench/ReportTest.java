// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.bench.load.BenchException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.TypeConversionException;

final class ReportTest {
  @Test
  void render_alignsFiguresAndCountsRunsThatMetTheGoal() {
    var report = new Report();
    report.add("publish", "published", "messages/s", 40_000, Goal.atLeast(">= 38,000", 38_000));
    report.add("publish", "published", "messages/s", 30_000, Goal.atLeast(">= 38,000", 38_000));
    report.add("publish", "published", "messages/s", 39_000, Goal.atLeast(">= 38,000", 38_000));
    report.add("publish", "latency p50", "ms", 1.25);
    report.note("said once");
    report.note("said once");

    assertThat(ReportTable.render(report))
        .isEqualTo(
            """
            | scenario | figure      | unit       | target    |    min | median |    max | met in runs |
            |----------|-------------|------------|-----------|-------:|-------:|-------:|------------:|
            | publish  | published   | messages/s | >= 38,000 | 30,000 | 39,000 | 40,000 |      2 of 3 |
            | publish  | latency p50 | ms         |           |   1.25 |   1.25 |   1.25 |             |

            said once
            """);
  }

  @Test
  void median_ofAnEvenNumberOfRuns_liesBetweenTheMiddleTwo() {
    var figure = new Figure("s", "f", "u");
    figure.add(4);
    figure.add(1);
    figure.add(2);
    figure.add(3);

    assertThat(figure.median()).isEqualTo(2.5);
  }

  @Test
  void duration_isReadWithUnits() {
    var converter = new DurationConverter();

    assertThat(converter.convert("500ms")).isEqualTo(Duration.ofMillis(500));
    assertThat(converter.convert("5")).isEqualTo(Duration.ofSeconds(5));
    assertThat(converter.convert("2m")).isEqualTo(Duration.ofMinutes(2));
    assertThatThrownBy(() -> converter.convert("fast")).isInstanceOf(TypeConversionException.class);
  }

  @Test
  void openFiles_belowTheNumberOfSockets_saysWhatToDo() {
    OpenFiles.check(
        "self", "Max open files            20000                20000                files", 9000);
    OpenFiles.check(
        "self", "Max open files            unlimited            unlimited            files", 9000);
    assertThatThrownBy(() -> OpenFiles.check("self", "Max open files  1024  524288  files", 9000))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("1024 (expected: >= 9300")
        .hasMessageContaining("ulimit -n 9300");
  }
}
