// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;

/// The examples of other projects' documents, to the letter, all under the MIT licence:
/// pulsar-relay's README on PyPI and its SUMMARY (`summary-…`), and fastpubsub's README
/// (`pubsub/`).
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
