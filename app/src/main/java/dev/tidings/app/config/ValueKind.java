// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import dev.tidings.server.wire.AddressRange;
import dev.tidings.server.wire.HostPattern;
import dev.tidings.server.wire.Origin;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// How the text of a value is read, and what its bounds mean.
sealed interface ValueKind {
  /// The value, or nothing if the text is not one.
  Optional<Object> parse(String text);

  /// What bounds are compared with: for most kinds the value itself.
  long measure(Object value);

  /// Names the kind with its bounds, either of which may be empty.
  String expected(String min, String max);

  /// The kind of values a component of a list holds, by the type of one of them.
  static ValueKind listOf(Class<?> type) {
    return switch (type.getSimpleName()) {
      case "HostPattern" ->
          new Items(HostPattern::parse, "host names such as relay.example.com or *.example.com");
      case "Origin" -> new Items(Origin::parse, "origins such as https://app.example.com, or *");
      case "AddressRange" ->
          new Items(AddressRange::parse, "addresses or networks such as 10.0.0.0/8");
      default -> throw new IllegalArgumentException("no setting can be a list of " + type);
    };
  }

  /// The kind of values a component of this type holds.
  static ValueKind of(Class<?> type, boolean bytes) {
    if (type.isEnum()) {
      return new Choice(type);
    }
    return switch (type.getSimpleName()) {
      case "String" -> new Text();
      case "Secret" -> new Hidden();
      case "Path" -> new Folder();
      case "boolean" -> new Switch();
      case "int" -> new Whole(true);
      case "long" -> bytes ? new Size() : new Whole(false);
      case "Duration" -> new Time();
      default -> throw new IllegalArgumentException("no setting can be of type " + type);
    };
  }

  /// A text; its bounds count characters.
  record Text() implements ValueKind {
    @Override
    public Optional<Object> parse(String text) {
      return Optional.of(text);
    }

    @Override
    public long measure(Object value) {
      return ((String) value).length();
    }

    @Override
    public String expected(String min, String max) {
      return max.isEmpty() ? "at least " + min + " characters" : min + " to " + max + " characters";
    }
  }

  /// A text that is not shown.
  record Hidden() implements ValueKind {
    @Override
    public Optional<Object> parse(String text) {
      return Optional.of(new Secret(text));
    }

    @Override
    public long measure(Object value) {
      return ((Secret) value).value().length();
    }

    @Override
    public String expected(String min, String max) {
      return "at least " + min + " characters";
    }
  }

  /// A folder, which need not exist yet.
  record Folder() implements ValueKind {
    @Override
    public Optional<Object> parse(String text) {
      try {
        return text.isBlank() ? Optional.empty() : Optional.of(Path.of(text));
      } catch (InvalidPathException _) {
        return Optional.empty();
      }
    }

    @Override
    public long measure(Object value) {
      return 0;
    }

    @Override
    public String expected(String min, String max) {
      return "a folder";
    }
  }

  /// On or off.
  record Switch() implements ValueKind {
    @Override
    public Optional<Object> parse(String text) {
      return switch (text) {
        case "true" -> Optional.of(true);
        case "false" -> Optional.of(false);
        default -> Optional.empty();
      };
    }

    @Override
    public long measure(Object value) {
      return 0;
    }

    @Override
    public String expected(String min, String max) {
      return "true or false";
    }
  }

  /// One of the constants of an enum, written in lower case.
  record Choice(Class<?> type) implements ValueKind {
    private List<String> names() {
      return Arrays.stream(type.getEnumConstants())
          .map(constant -> ((Enum<?>) constant).name().toLowerCase(Locale.ROOT))
          .toList();
    }

    @Override
    public Optional<Object> parse(String text) {
      int index = names().indexOf(text.toLowerCase(Locale.ROOT));
      return index < 0 ? Optional.empty() : Optional.of(type.getEnumConstants()[index]);
    }

    @Override
    public long measure(Object value) {
      return 0;
    }

    @Override
    public String expected(String min, String max) {
      return names().stream().collect(Collectors.joining(" or "));
    }
  }

  /// A list, written as one text with commas; an empty text is the empty list.
  record Items(Function<String, ? extends Optional<?>> item, String items) implements ValueKind {
    @Override
    public Optional<Object> parse(String text) {
      List<Object> values = new ArrayList<>();
      if (!text.isBlank()) {
        for (String each : text.split(",", -1)) {
          Optional<?> value = item.apply(each.strip());
          if (value.isEmpty()) {
            return Optional.empty();
          }
          values.add(value.get());
        }
      }
      return Optional.of(List.copyOf(values));
    }

    @Override
    public long measure(Object value) {
      return 0;
    }

    @Override
    public String expected(String min, String max) {
      return items + ", with commas between them";
    }
  }

  /// A whole number, as an `int` if narrow.
  record Whole(boolean narrow) implements ValueKind {
    @Override
    public Optional<Object> parse(String text) {
      try {
        long value = Long.parseLong(text);
        // Beyond an int is beyond the bounds of every narrow key: told as out of range.
        return narrow && value == (int) value ? Optional.of((int) value) : Optional.of(value);
      } catch (NumberFormatException _) {
        return Optional.empty();
      }
    }

    @Override
    public long measure(Object value) {
      return ((Number) value).longValue();
    }

    @Override
    public String expected(String min, String max) {
      return "a whole number" + range(min, max);
    }
  }

  /// A number of bytes, written with a binary unit.
  record Size() implements ValueKind {
    private static final Pattern SHAPE = Pattern.compile("(\\d{1,15}) ?(B|KiB|MiB|GiB|TiB)?");

    @Override
    public Optional<Object> parse(String text) {
      Matcher matcher = SHAPE.matcher(text);
      if (!matcher.matches()) {
        return Optional.empty();
      }
      int power = matcher.group(2) == null ? 0 : "BKMGT".indexOf(matcher.group(2).charAt(0));
      try {
        return Optional.of(
            Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << (10 * power)));
      } catch (ArithmeticException _) {
        return Optional.of(Long.MAX_VALUE);
      }
    }

    @Override
    public long measure(Object value) {
      return (Long) value;
    }

    @Override
    public String expected(String min, String max) {
      return "a size" + range(min, max) + ", such as 64MiB";
    }
  }

  /// A length of time, written with a unit.
  record Time() implements ValueKind {
    private static final Pattern SHAPE = Pattern.compile("(\\d{1,12}) ?(ms|s|m|h|d)");

    @Override
    public Optional<Object> parse(String text) {
      Matcher matcher = SHAPE.matcher(text);
      if (!matcher.matches()) {
        return Optional.empty();
      }
      long count = Long.parseLong(matcher.group(1));
      return Optional.of(
          switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(count);
            case "s" -> Duration.ofSeconds(count);
            case "m" -> Duration.ofMinutes(count);
            case "h" -> Duration.ofHours(count);
            default -> Duration.ofDays(count);
          });
    }

    @Override
    public long measure(Object value) {
      return ((Duration) value).toMillis();
    }

    @Override
    public String expected(String min, String max) {
      return "a duration" + range(min, max) + ", such as 30s, 24h or 7d";
    }
  }

  private static String range(String min, String max) {
    return max.isEmpty() ? " of at least " + min : " from " + min + " to " + max;
  }
}
