// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/// Holds `docs/configuration.md` against the records.
class ConfigurationPageTest {
  private static final Path PAGE = Path.of("..", "docs", "configuration.md");

  @Test
  void page_listsEveryKey_andNoOther() throws IOException {
    List<String> rows = KeyTree.keys().values().stream().map(ConfigurationPageTest::row).toList();
    List<String> found =
        Files.readAllLines(PAGE).stream()
            .filter(line -> line.startsWith("| `") && line.contains("| `TIDINGS_"))
            .toList();
    assertThat(found).as("expected in the page:\n" + String.join("\n", rows)).isEqualTo(rows);
  }

  private static String row(Key key) {
    String standard = key.setting().defaultValue();
    String dev = key.setting().devDefault();
    String shown = (standard.isEmpty() ? "none" : "`" + standard + "`");
    if (!dev.isEmpty()) {
      shown += "; dev: `" + dev + "`";
    }
    return "| `%s` | %s | %s | `%s` | %s |"
        .formatted(key.path(), shown, values(key), key.environmentName(), key.setting().doc());
  }

  private static String values(Key key) {
    String min = key.setting().min();
    String max = key.setting().max();
    String range = max.isEmpty() ? "at least " + min : min + " – " + max;
    return switch (key.kind()) {
      case ValueKind.Text _, ValueKind.Hidden _ -> range + " characters";
      case ValueKind.Folder _ -> "folder";
      case ValueKind.Items _ -> "list";
      case ValueKind.Switch _ -> "`true`, `false`";
      case ValueKind.Choice choice ->
          String.join(
              ", ",
              List.of(choice.type().getEnumConstants()).stream()
                  .map(name -> "`" + name.toString().toLowerCase(Locale.ROOT) + "`")
                  .toList());
      case ValueKind.Whole _ -> range;
      case ValueKind.Size _ -> range;
      case ValueKind.Time _ -> range;
    };
  }
}
