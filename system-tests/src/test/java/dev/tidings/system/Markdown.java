// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A page of the documentation, as far as tests hold it: its fenced blocks and its tables.
///
/// @param lines of the page
record Markdown(List<String> lines) {
  private static final String FENCE = "```";

  /// What stands between two fences.
  ///
  /// @param language named after the opening fence
  /// @param text with its line ends
  record Block(String language, String text) {}

  /// The page at `path`, seen from the root of the project.
  static Markdown page(String path) {
    try {
      return new Markdown(Files.readAllLines(root().resolve(path)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The root of the project.
  static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("mvnw"))) {
      Path parent = folder.getParent();
      if (parent == null) {
        throw new IllegalStateException(
            "no folder above the tests holds mvnw (expected: the root of the project)");
      }
      folder = parent;
    }
    return folder;
  }

  /// What stands under the heading `## title`, up to the next one of that level.
  Markdown section(String title) {
    int start = lines.indexOf("## " + title);
    if (start < 0) {
      throw new AssertionError("the page has no heading '## " + title + "'");
    }
    List<String> below = lines.subList(start + 1, lines.size());
    return new Markdown(below.stream().takeWhile(line -> !line.startsWith("## ")).toList());
  }

  /// The fenced blocks, in order.
  List<Block> blocks() {
    var blocks = new ArrayList<Block>();
    String language = "";
    @Nullable StringBuilder text = null;
    for (String line : lines) {
      if (!line.startsWith(FENCE)) {
        if (text != null) {
          text.append(line).append('\n');
        }
      } else if (text == null) {
        language = line.substring(FENCE.length());
        text = new StringBuilder();
      } else {
        blocks.add(new Block(language, text.toString()));
        text = null;
      }
    }
    return blocks;
  }

  /// The tables, in order, each as its rows without the line under the heads; cells are stripped.
  List<List<List<String>>> tables() {
    var tables = new ArrayList<List<List<String>>>();
    var rows = new ArrayList<List<String>>();
    for (String line : Stream.concat(lines.stream(), Stream.of("")).toList()) {
      if (line.startsWith("|")) {
        if (!line.matches("[|: -]+")) {
          rows.add(cells(line));
        }
      } else if (!rows.isEmpty()) {
        tables.add(List.copyOf(rows));
        rows.clear();
      }
    }
    return tables;
  }

  private static List<String> cells(String line) {
    String inner = line.strip().substring(1, line.strip().length() - 1);
    return Arrays.stream(inner.split("\\|", -1)).map(String::strip).toList();
  }
}
