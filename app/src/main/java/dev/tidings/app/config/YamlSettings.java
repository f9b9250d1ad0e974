// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLParser;

/// Reads a YAML file into paths and texts, each with its line.
///
/// Values stay text, because the key decides how they are read: the password `12345678` is not a
/// number.
final class YamlSettings {
  private final Path file;
  private final List<ConfigError> errors;
  private final Map<String, Given> values = new LinkedHashMap<>();

  private YamlSettings(Path file, List<ConfigError> errors) {
    this.file = file;
    this.errors = errors;
  }

  /// What the file gives; what is wrong with it is added to the errors.
  static Map<String, Given> read(Path file, List<ConfigError> errors) {
    YamlSettings settings = new YamlSettings(file, errors);
    try (JsonParser parser =
        new YAMLFactory().createParser(ObjectReadContext.empty(), Files.readString(file))) {
      settings.readDocument(parser);
    } catch (JacksonException e) {
      errors.add(
          new ConfigError(
              "file",
              e.getOriginalMessage().lines().map(String::strip).findFirst().orElse("unreadable"),
              "YAML",
              file + ":" + e.getLocation().getLineNr()));
    } catch (IOException e) {
      errors.add(
          new ConfigError("file", file + " cannot be read", "a readable file", e.toString()));
    }
    return settings.values;
  }

  private void readDocument(JsonParser parser) {
    JsonToken first = parser.nextToken();
    if (first == null || first == JsonToken.VALUE_NULL) {
      return; // Empty, or nothing but comments.
    }
    if (first != JsonToken.START_OBJECT) {
      error(parser, "file", "no mapping", "keys with values, such as `server:`");
      return;
    }
    readMapping(parser);
    if (parser.nextToken() != null) {
      error(parser, "file", "a second document", "one document");
    }
  }

  private void readMapping(JsonParser parser) {
    Deque<String> sections = new ArrayDeque<>();
    sections.push("");
    while (!sections.isEmpty()) {
      JsonToken token = parser.nextToken();
      if (token == JsonToken.END_OBJECT) {
        sections.pop();
        continue;
      }
      String path = sections.getFirst() + parser.currentName();
      JsonToken value = parser.nextToken();
      if (value == JsonToken.START_OBJECT) {
        sections.push(path + ".");
      } else if (value == JsonToken.START_ARRAY) {
        readList(parser, path);
      } else if (value == JsonToken.VALUE_NULL) {
        // A section whose keys are all commented out is null too, and harmless.
        if (KeyTree.keys().keySet().stream().noneMatch(key -> key.startsWith(path + "."))) {
          error(parser, path, "nothing", "a value, or no such line");
        }
      } else if (parser instanceof YAMLParser yaml && yaml.isCurrentAlias()) {
        error(parser, path, "an alias", "the value itself");
      } else {
        put(parser, path, new Given(parser.getString(), source(parser)));
      }
    }
  }

  private void put(JsonParser parser, String path, Given value) {
    Given earlier = values.put(path, value);
    if (earlier != null) {
      error(parser, path, "given twice", "one value; the other is at " + earlier.source());
    }
  }

  /// A list becomes the one text that a variable would give.
  private void readList(JsonParser parser, String path) {
    Key key = KeyTree.keys().get(path);
    if (key != null && !(key.kind() instanceof ValueKind.Items)) {
      error(parser, path, "a list", "a single value");
      parser.skipChildren();
      return;
    }
    String source = source(parser);
    List<String> items = new ArrayList<>();
    for (JsonToken item = parser.nextToken();
        item != JsonToken.END_ARRAY;
        item = parser.nextToken()) {
      boolean alias = parser instanceof YAMLParser yaml && yaml.isCurrentAlias();
      if (alias || !item.isScalarValue() || item == JsonToken.VALUE_NULL) {
        error(parser, path, "something else in the list", "one text after the other");
        parser.skipChildren();
      } else {
        items.add(parser.getString());
      }
    }
    put(parser, path, new Given(String.join(", ", items), source));
  }

  private void error(JsonParser parser, String key, String value, String expected) {
    errors.add(new ConfigError(key, value, expected, source(parser)));
  }

  private String source(JsonParser parser) {
    return file + ":" + parser.currentTokenLocation().getLineNr();
  }
}
