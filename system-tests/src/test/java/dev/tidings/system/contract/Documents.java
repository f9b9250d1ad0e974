// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;

/// The examples of pulsar-relay's documents, to the letter: its README on PyPI and its SUMMARY
/// (`summary-…`), both under the MIT licence.
final class Documents {
  private Documents() {}

  static String example(String file) {
    try (var stream = Documents.class.getResourceAsStream("documents/" + file)) {
      return new String(requireNonNull(stream, file).readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
