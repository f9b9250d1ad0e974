// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.message.Payload;
import dev.tidings.server.wire.JsonValue.JsonArray;
import dev.tidings.server.wire.JsonValue.JsonBoolean;
import dev.tidings.server.wire.JsonValue.JsonNull;
import dev.tidings.server.wire.JsonValue.JsonNumber;
import dev.tidings.server.wire.JsonValue.JsonObject;
import dev.tidings.server.wire.JsonValue.JsonString;
import io.vertx.core.http.HttpServerRequest;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads the fields of a JSON object as Pydantic 2 does in its default, coercing mode, with its
/// texts and types of error: they are part of the contracts.
///
/// Every method returns what it read and notes what is wrong; the caller asks [#errors] once at the
/// end. What a method returns beside an error is a harmless stand-in.
///
/// An answer is bounded whatever the call: only the first 100 errors are kept, and they repeat no
/// more than 64 KiB of inputs in all, nor long keys.
public final class Fields {
  private static final Payload EMPTY_OBJECT = Payload.of("{}");
  private static final List<Object> QUERY = List.of("query");
  private static final JsonValue NOTHING =
      new JsonNull(new Slice("null".getBytes(StandardCharsets.US_ASCII), 0, 4));
  private static final Pattern SPACE_AROUND = Pattern.compile("(?U)^\\s+|\\s+$");
  private static final Pattern DECIMAL =
      Pattern.compile("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?");
  private static final BigDecimal MAX_SECONDS = BigDecimal.valueOf(Long.MAX_VALUE / 1000);
  private static final BigDecimal ONE_MS = BigDecimal.valueOf(1, 3);
  // More than any number here needs; making one takes time with the square of them.
  private static final int MAX_DIGITS = 400;
  private static final int MAX_ERRORS = 100;
  private static final int MAX_INPUTS = 64 * 1024;
  private static final int MAX_STEP = 255;

  private final JsonValue value;
  private final Map<String, JsonValue> fields;
  private final List<Object> location;
  private final List<FieldError> errors;

  private Fields(
      JsonValue value,
      Map<String, JsonValue> fields,
      List<Object> location,
      List<FieldError> errors) {
    this.value = value;
    this.fields = fields;
    this.location = location;
    this.errors = errors;
  }

  /// The fields of a request's body, or of a frame.
  public static Fields of(JsonValue body) {
    return of(body, List.of("body"), new ArrayList<>());
  }

  /// A request's body that is a list: [#items] and [#uuids] read it.
  public static Fields ofList(JsonValue body) {
    return new Fields(body, Map.of(), List.of("body"), new ArrayList<>());
  }

  /// The parameters of a query, all of them strings; of several with one name the last counts.
  ///
  /// @throws IllegalArgumentException if the query is not well-formed; the router refuses such
  ///   requests before its routes see them
  public static Fields ofQuery(HttpServerRequest request) {
    Map<String, JsonValue> parameters = new LinkedHashMap<>();
    JsonOut whole = new JsonOut(128).raw("{");
    String separator = "";
    for (Map.Entry<String, String> parameter : request.params()) {
      JsonOut text = new JsonOut(32).string(parameter.getValue());
      Slice raw = new Slice(text.toBytes(), 0, text.length());
      parameters.put(parameter.getKey(), new JsonString(raw, parameter.getValue()));
      whole.raw(separator).string(parameter.getKey()).raw(":").raw(text);
      separator = ",";
    }
    Slice raw = new Slice(whole.raw("}").toBytes(), 0, whole.length());
    return of(new JsonObject(raw, parameters), QUERY, new ArrayList<>());
  }

  private static Fields of(JsonValue value, List<Object> location, List<FieldError> errors) {
    if (value instanceof JsonObject object) {
      return new Fields(value, object.fields(), location, errors);
    }
    Fields none = new Fields(value, Map.of(), location, errors);
    none.error(
        "model_attributes_type",
        location,
        "Input should be a valid dictionary or object to extract fields from",
        value);
    return none;
  }

  /// What was wrong, in the order of the calls.
  public List<FieldError> errors() {
    return List.copyOf(errors);
  }

  /// Whether anything was wrong so far.
  public boolean hasErrors() {
    return !errors.isEmpty();
  }

  private List<Object> at(Object... steps) {
    List<Object> path = new ArrayList<>(location);
    for (Object step : steps) {
      path.add(step instanceof String key ? Text.cut(key, MAX_STEP) : step);
    }
    return path;
  }

  private void error(String type, List<Object> path, String message, JsonValue input) {
    note(type, path, message, input, Optional.empty());
  }

  private void error(
      String type, List<Object> path, String message, JsonValue input, String context) {
    note(type, path, message, input, Optional.of(Payload.of(context)));
  }

  private void note(
      String type, List<Object> path, String message, JsonValue input, Optional<Payload> context) {
    if (errors.size() < MAX_ERRORS) {
      errors.add(new FieldError(type, path, message, inputOf(input.raw()), context));
    }
  }

  private Payload inputOf(Slice raw) {
    int repeated = raw.size();
    for (FieldError error : errors) {
      repeated += error.input().size();
    }
    return repeated <= MAX_INPUTS
        ? raw.copy()
        : Payload.of("\"" + raw.size() + " bytes, too long to be repeated here\"");
  }

  private @Nullable JsonValue required(String name) {
    JsonValue field = fields.get(name);
    if (field == null && value instanceof JsonObject) {
      // Parameters of a query are checked one by one: there is no whole to repeat.
      boolean isQuery = location.equals(QUERY);
      error("missing", at(name), "Field required", isQuery ? NOTHING : value);
    }
    return field;
  }

  private @Nullable JsonValue optional(String name) {
    JsonValue field = fields.get(name);
    return field instanceof JsonNull ? null : field;
  }

  /// The bytes these fields were read from.
  public byte[] bytes() {
    return value.raw().bytes();
  }

  /// Notes that the header `name`, which came with these fields, breaks a rule.
  public void invalidHeader(String name, String rule, String sent) {
    errors.add(
        new FieldError(
            "value_error",
            List.of("header", name),
            "Value error, " + rule,
            Payload.of(new JsonOut(64).string(sent).text()),
            Optional.of(Payload.of("{\"error\":{}}"))));
  }

  /// Whether `name` was sent, even if as null.
  public boolean isSent(String name) {
    return fields.containsKey(name);
  }

  /// A string of `min` to `max` code points.
  public String string(String name, int min, int max) {
    JsonValue field = required(name);
    return field == null ? "" : checkString(field, at(name), min, max).orElse("");
  }

  /// A string of `min` to `max` code points without the white space around it.
  public String stripped(String name, int min, int max) {
    JsonValue field = required(name);
    return switch (field) {
      case null -> "";
      case JsonString(Slice raw, String text) ->
          checkString(
                  new JsonString(raw, SPACE_AROUND.matcher(text).replaceAll("")),
                  at(name),
                  min,
                  max)
              .orElse("");
      default -> checkString(field, at(name), min, max).orElse("");
    };
  }

  /// A UUID; empty beside an error.
  public Optional<UUID> uuid(String name) {
    JsonValue field = required(name);
    if (field == null) {
      return Optional.empty();
    }
    return checkUuid(field, at(name));
  }

  private Optional<UUID> checkUuid(JsonValue field, List<Object> path) {
    if (!(field instanceof JsonString(Slice _, String text))) {
      error("uuid_type", path, "UUID input should be a string, bytes or UUID object", field);
      return Optional.empty();
    }
    Uuids.fault(text)
        .ifPresent(fault ->
            error(
                "uuid_parsing",
                path,
                "Input should be a valid UUID, " + fault,
                field,
                new JsonOut(64).raw("{\"error\":").string(fault).raw("}").text()));
    return Uuids.parse(text);
  }

  /// A string of at most `max` code points that `pattern`, which is written `spelt`, matches as a
  /// whole.
  public String matching(String name, int max, Pattern pattern, String spelt) {
    JsonValue field = required(name);
    Optional<String> text = field == null ? Optional.empty() : checkString(field, at(name), 0, max);
    if (field != null && text.isPresent() && !pattern.matcher(text.get()).matches()) {
      error(
          "string_pattern_mismatch",
          at(name),
          "String should match pattern '" + spelt + "'",
          field,
          new JsonOut(64).raw("{\"pattern\":").string(spelt).raw("}").text());
    }
    return text.orElse("");
  }

  /// At most `max` UUIDs, these being a list.
  public List<UUID> uuids(int max) {
    return uuids(value, location, max);
  }

  /// A list of at most `max` UUIDs.
  public List<UUID> uuids(String name, int max) {
    JsonValue field = required(name);
    return field == null ? List.of() : uuids(field, at(name), max);
  }

  private List<UUID> uuids(JsonValue field, List<Object> path, int max) {
    List<JsonValue> items = list(field, path, 0, max);
    List<UUID> uuids = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      checkUuid(items.get(i), below(path, i)).ifPresent(uuids::add);
    }
    return uuids;
  }

  /// The bytes of objects, these being a list of them.
  public List<Payload> items() {
    List<JsonValue> items = list(value, location, 0, Integer.MAX_VALUE);
    List<Payload> objects = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      JsonValue item = items.get(i);
      if (item instanceof JsonObject) {
        objects.add(item.raw().copy());
      } else {
        error("dict_type", below(location, i), "Input should be a valid dictionary", item);
      }
    }
    return objects;
  }

  private static List<Object> below(List<Object> path, int index) {
    List<Object> item = new ArrayList<>(path);
    item.add(index);
    return item;
  }

  /// The bytes of an object, or nothing if null or absent.
  public Optional<Payload> optionalObjectBytes(String name) {
    return optional(name) == null ? Optional.empty() : Optional.of(object(name));
  }

  /// A string of at most `max` code points, or null, or absent.
  public Optional<String> optionalString(String name, int min, int max) {
    JsonValue field = optional(name);
    return field == null ? Optional.empty() : checkString(field, at(name), min, max);
  }

  private Optional<String> checkString(JsonValue field, List<Object> path, int min, int max) {
    if (!(field instanceof JsonString(Slice _, String text))) {
      error("string_type", path, "Input should be a valid string", field);
      return Optional.empty();
    }
    int length = text.codePointCount(0, text.length());
    if (length < min) {
      error(
          "string_too_short",
          path,
          "String should have at least " + plural(min, "character"),
          field,
          "{\"min_length\":" + min + "}");
      return Optional.empty();
    }
    if (length > max) {
      error(
          "string_too_long",
          path,
          "String should have at most " + plural(max, "character"),
          field,
          "{\"max_length\":" + max + "}");
      return Optional.empty();
    }
    return Optional.of(text);
  }

  private static String plural(int count, String noun) {
    return count + " " + noun + (count == 1 ? "" : "s");
  }

  /// Notes that the value of `name` breaks a rule of its own.
  public void invalid(String name, String rule) {
    JsonValue field = fields.getOrDefault(name, value);
    error("value_error", at(name), "Value error, " + rule, field, "{\"error\":{}}");
  }

  /// The bytes of an object.
  public Payload object(String name) {
    JsonValue field = required(name);
    if (field == null) {
      return EMPTY_OBJECT;
    }
    if (!(field instanceof JsonObject)) {
      error("dict_type", at(name), "Input should be a valid dictionary", field);
      return EMPTY_OBJECT;
    }
    return field.raw().copy();
  }

  /// The bytes of an object of strings, or nothing if null or absent.
  public Payload optionalStringMap(String name) {
    JsonValue field = optional(name);
    if (field == null) {
      return Payload.EMPTY;
    }
    if (!(field instanceof JsonObject(Slice raw, Map<String, JsonValue> _))) {
      error("dict_type", at(name), "Input should be a valid dictionary", field);
      return Payload.EMPTY;
    }
    // Read by itself: the rest of the body need not be read as deep for it.
    if (JsonValue.parse(raw.bytes(), 1)
        instanceof JsonValue.Valid(JsonObject(Slice _, Map<String, JsonValue> entries))) {
      entries.forEach((key, entry) -> {
        if (!(entry instanceof JsonString)) {
          error("string_type", at(name, key), "Input should be a valid string", entry);
        }
      });
    } else {
      error(
          "string_unicode",
          at(name),
          "Input should be valid strings, unable to parse raw data as unicode strings",
          field);
    }
    return raw.copy();
  }

  /// The strings of an object of strings; none if null or absent.
  public Map<String, String> optionalStrings(String name) {
    JsonValue field = optional(name);
    if (field == null) {
      return Map.of();
    }
    if (!(field instanceof JsonObject(Slice _, Map<String, JsonValue> entries))) {
      error("dict_type", at(name), "Input should be a valid dictionary", field);
      return Map.of();
    }
    Map<String, String> strings = new LinkedHashMap<>();
    entries.forEach((key, entry) ->
        checkString(entry, at(name, key), 0, Integer.MAX_VALUE)
            .ifPresent(text -> strings.put(key, text)));
    return strings;
  }

  /// A whole number, or null, or absent. Numbers in strings, whole floats and booleans are taken as
  /// Pydantic takes them.
  public OptionalLong optionalInteger(String name) {
    JsonValue field = optional(name);
    return field == null ? OptionalLong.empty() : integer(field, name);
  }

  private OptionalLong integer(JsonValue field, String name) {
    return switch (field) {
      case JsonNumber(Slice raw, boolean isInteger) -> ofNumber(field, raw.text(), isInteger, name);
      case JsonString(Slice _, String text) -> ofText(field, text, name);
      case JsonBoolean(Slice _, boolean truth) -> OptionalLong.of(truth ? 1 : 0);
      case JsonNull _, JsonArray _, JsonObject _ -> {
        error("int_type", at(name), "Input should be a valid integer", field);
        yield OptionalLong.empty();
      }
    };
  }

  private OptionalLong ofNumber(JsonValue field, String text, boolean isInteger, String name) {
    Optional<BigDecimal> finite = finite(field, text, name);
    if (finite.isEmpty()) {
      return OptionalLong.empty();
    }
    BigDecimal number = finite.get();
    // A huge exponent is never expanded: it is a fraction or out of every range anyway.
    if (isInteger || (number.scale() <= 0 ? number.scale() > -20 : isWhole(number))) {
      return OptionalLong.of(clamp(number));
    }
    if (number.scale() <= -20) {
      error("finite_number", at(name), "Input should be a finite number", field);
      return OptionalLong.empty();
    }
    error(
        "int_from_float",
        at(name),
        "Input should be a valid integer, got a number with a fractional part",
        field);
    return OptionalLong.empty();
  }

  private static boolean isWhole(BigDecimal number) {
    return number.stripTrailingZeros().scale() <= 0;
  }

  /// Beyond 64 bits every range check answers the same as at the edge.
  private static long clamp(BigDecimal number) {
    if (number.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
      return Long.MAX_VALUE;
    }
    if (number.compareTo(BigDecimal.valueOf(Long.MIN_VALUE)) < 0) {
      return Long.MIN_VALUE;
    }
    return number.longValue();
  }

  private OptionalLong ofText(JsonValue field, String text, String name) {
    String trimmed = text.strip();
    if (trimmed.matches("[+-]?[0-9]{1," + MAX_DIGITS + "}(\\.0*)?")) {
      return OptionalLong.of(clamp(new BigDecimal(trimmed.replaceFirst("\\.0*$", ""))));
    }
    error(
        "int_parsing",
        at(name),
        "Input should be a valid integer, unable to parse string as an integer",
        field);
    return OptionalLong.empty();
  }

  /// Notes that `name` is not greater than `bound`.
  public void notGreaterThan(String name, long bound) {
    error(
        "greater_than",
        at(name),
        "Input should be greater than " + bound,
        fields.getOrDefault(name, value),
        "{\"gt\":" + bound + "}");
  }

  /// A whole number from `min` to `max`; `absent` if null is not sent. Null is no number.
  public long integer(String name, long min, long max, long absent) {
    JsonValue field = fields.get(name);
    if (field == null) {
      return absent;
    }
    OptionalLong number = integer(field, name);
    if (number.isEmpty()) {
      return absent;
    }
    if (number.getAsLong() < min) {
      error(
          "greater_than_equal",
          at(name),
          "Input should be greater than or equal to " + min,
          field,
          "{\"ge\":" + min + "}");
      return absent;
    }
    if (number.getAsLong() > max) {
      error(
          "less_than_equal",
          at(name),
          "Input should be less than or equal to " + max,
          field,
          "{\"le\":" + max + "}");
      return absent;
    }
    return number.getAsLong();
  }

  /// A whole number from `min` to `max`, which has to be sent.
  public long requiredInteger(String name, long min, long max) {
    return required(name) == null ? min : integer(name, min, max, min);
  }

  /// A whole number from `min` on, or null, or absent.
  public OptionalLong optionalInteger(String name, long min) {
    return optionalInteger(name, min, Long.MAX_VALUE);
  }

  /// A whole number from `min` to `max`, or null, or absent.
  public OptionalLong optionalInteger(String name, long min, long max) {
    JsonValue field = optional(name);
    if (field == null) {
      return OptionalLong.empty();
    }
    int errorsBefore = errors.size();
    long number = integer(name, min, max, min);
    return errors.size() == errorsBefore ? OptionalLong.of(number) : OptionalLong.empty();
  }

  /// A number of seconds, 0 or more, maybe with a fraction, or null, or absent: in milliseconds,
  /// rounded up; [Long#MAX_VALUE] for all that do not fit.
  public OptionalLong optionalSeconds(String name) {
    JsonValue field = optional(name);
    Optional<BigDecimal> seconds = field == null ? Optional.empty() : decimal(field, name);
    if (field != null && seconds.isPresent() && seconds.get().signum() < 0) {
      error(
          "greater_than_equal",
          at(name),
          "Input should be greater than or equal to 0",
          field,
          "{\"ge\":0}");
      return OptionalLong.empty();
    }
    return seconds.isEmpty() ? OptionalLong.empty() : OptionalLong.of(toMs(seconds.get()));
  }

  /// A huge exponent, of either sign, is never expanded.
  private static long toMs(BigDecimal seconds) {
    if (seconds.signum() == 0) {
      return 0;
    }
    if (seconds.compareTo(MAX_SECONDS) > 0) {
      return Long.MAX_VALUE;
    }
    return seconds.compareTo(ONE_MS) <= 0
        ? 1
        : seconds.movePointRight(3).setScale(0, RoundingMode.CEILING).longValueExact();
  }

  /// A finite number. Numbers in strings and booleans are taken as Pydantic takes them.
  private Optional<BigDecimal> decimal(JsonValue field, String name) {
    return switch (field) {
      case JsonNumber(Slice raw, boolean _) -> finite(field, raw.text(), name);
      case JsonString(Slice _, String text) -> {
        String trimmed = text.strip();
        if (trimmed.length() <= MAX_DIGITS && DECIMAL.matcher(trimmed).matches()) {
          yield finite(field, trimmed, name);
        }
        error(
            "float_parsing",
            at(name),
            "Input should be a valid number, unable to parse string as a number",
            field);
        yield Optional.empty();
      }
      case JsonBoolean(Slice _, boolean truth) ->
          Optional.of(truth ? BigDecimal.ONE : BigDecimal.ZERO);
      case JsonNull _, JsonArray _, JsonObject _ -> {
        error("float_type", at(name), "Input should be a valid number", field);
        yield Optional.empty();
      }
    };
  }

  private Optional<BigDecimal> finite(JsonValue field, String text, String name) {
    try {
      if (text.length() <= MAX_DIGITS) {
        return Optional.of(new BigDecimal(text));
      }
    } catch (NumberFormatException _) {
      // An exponent beyond 32 bits.
    }
    // As good as infinite.
    error("finite_number", at(name), "Input should be a finite number", field);
    return Optional.empty();
  }

  /// A time that says its offset from UTC (RFC 3339, ISO 8601), or null, or absent: in milliseconds
  /// since 1970, without what is finer; the nearest such number for a time that is too far away.
  public OptionalLong optionalTime(String name) {
    JsonValue field = optional(name);
    return switch (field) {
      case null -> OptionalLong.empty();
      case JsonString(Slice _, String text) -> time(field, text, name);
      case JsonNull _, JsonArray _, JsonObject _, JsonNumber _, JsonBoolean _ -> {
        error("datetime_type", at(name), "Input should be a valid datetime", field);
        yield OptionalLong.empty();
      }
    };
  }

  private OptionalLong time(JsonValue field, String text, String name) {
    try {
      Instant instant =
          DateTimeFormatter.ISO_OFFSET_DATE_TIME.parse(text, OffsetDateTime::from).toInstant();
      long seconds =
          Math.clamp(
              instant.getEpochSecond(), Long.MIN_VALUE / 1000 + 1, Long.MAX_VALUE / 1000 - 1);
      return OptionalLong.of(seconds * 1000 + instant.getNano() / 1_000_000);
    } catch (DateTimeParseException _) {
      String fault = "expected one with Z or an offset, such as 2030-01-31T12:00:00.250Z";
      error(
          "datetime_parsing",
          at(name),
          "Input should be a valid datetime, " + fault,
          field,
          new JsonOut(64).raw("{\"error\":").string(fault).raw("}").text());
      return OptionalLong.empty();
    }
  }

  /// An object whose fields note what is wrong into these, or null, or absent.
  public Optional<Fields> optionalObject(String name) {
    JsonValue field = optional(name);
    return field == null ? Optional.empty() : Optional.of(of(field, at(name), errors));
  }

  /// True or false, or null, or absent.
  public Optional<Boolean> optionalBool(String name) {
    return optional(name) == null ? Optional.empty() : Optional.of(bool(name, false));
  }

  /// A list of words from `allowed`, or null, or absent.
  public Optional<List<String>> optionalWords(String name, Set<String> allowed, String expected) {
    return optional(name) == null ? Optional.empty() : Optional.of(words(name, allowed, expected));
  }

  /// True or false; `absent` if not sent.
  public boolean bool(String name, boolean absent) {
    JsonValue field = fields.get(name);
    if (field == null) {
      return absent;
    }
    Optional<Boolean> truth =
        switch (field) {
          case JsonBoolean(Slice _, boolean value) -> Optional.of(value);
          case JsonString(Slice _, String text) -> truthOf(text.toLowerCase(Locale.ROOT));
          case JsonNumber(Slice raw, boolean _) -> truthOf(raw.text());
          case JsonNull _, JsonArray _, JsonObject _ -> {
            error("bool_type", at(name), "Input should be a valid boolean", field);
            yield Optional.of(absent);
          }
        };
    if (truth.isEmpty()) {
      error(
          "bool_parsing",
          at(name),
          "Input should be a valid boolean, unable to interpret input",
          field);
    }
    return truth.orElse(absent);
  }

  private static Optional<Boolean> truthOf(String text) {
    return switch (text) {
      case "true", "t", "yes", "y", "on", "1", "1.0" -> Optional.of(true);
      case "false", "f", "no", "n", "off", "0", "0.0" -> Optional.of(false);
      default -> Optional.empty();
    };
  }

  /// A list of `min` to `max` objects, each read by [Fields] of its own that note into this one.
  public List<Fields> objects(String name, int min, int max) {
    List<JsonValue> items = list(name, min, max);
    List<Fields> objects = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      objects.add(of(items.get(i), at(name, i), errors));
    }
    return objects;
  }

  /// A list of `min` to `max` strings of at most `maxLength` code points each.
  public List<String> strings(String name, int min, int max, int maxLength) {
    List<JsonValue> items = list(name, min, max);
    List<String> strings = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      checkString(items.get(i), at(name, i), 0, maxLength).ifPresent(strings::add);
    }
    return strings;
  }

  /// A list of words from `allowed`; empty if not sent.
  public List<String> words(String name, Set<String> allowed, String expected) {
    JsonValue field = fields.get(name);
    if (field == null) {
      return List.of();
    }
    if (!(field instanceof JsonArray(Slice _, List<JsonValue> items))) {
      error("list_type", at(name), "Input should be a valid list", field);
      return List.of();
    }
    List<String> words = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      if (items.get(i) instanceof JsonString(Slice _, String word) && allowed.contains(word)) {
        words.add(word);
      } else {
        JsonOut context = new JsonOut(64).raw("{\"expected\":").string(expected).raw("}");
        error(
            "literal_error",
            at(name, i),
            "Input should be " + expected,
            items.get(i),
            context.text());
      }
    }
    return words;
  }

  /// A word from `allowed`; `absent` if not sent.
  public String word(String name, Set<String> allowed, String expected, String absent) {
    JsonValue field = fields.get(name);
    if (field == null) {
      return absent;
    }
    if (field instanceof JsonString(Slice _, String word) && allowed.contains(word)) {
      return word;
    }
    JsonOut context = new JsonOut(64).raw("{\"expected\":").string(expected).raw("}");
    error("literal_error", at(name), "Input should be " + expected, field, context.text());
    return absent;
  }

  private List<JsonValue> list(String name, int min, int max) {
    JsonValue field = required(name);
    return field == null ? List.of() : list(field, at(name), min, max);
  }

  private List<JsonValue> list(JsonValue field, List<Object> path, int min, int max) {
    if (!(field instanceof JsonArray(Slice _, List<JsonValue> items))) {
      error("list_type", path, "Input should be a valid list", field);
      return List.of();
    }
    int size = items.size();
    if (size < min) {
      error(
          "too_short",
          path,
          "List should have at least " + plural(min, "item") + " after validation, not " + size,
          field,
          "{\"field_type\":\"List\",\"min_length\":" + min + ",\"actual_length\":" + size + "}");
      return List.of();
    }
    if (size > max) {
      error(
          "too_long",
          path,
          "List should have at most " + plural(max, "item") + " after validation, not " + size,
          field,
          "{\"field_type\":\"List\",\"max_length\":" + max + ",\"actual_length\":" + size + "}");
      return List.of();
    }
    return items;
  }

  /// The bytes of a string or a number by which a client tells answers apart, at most `max` of
  /// them; empty if null or absent.
  public Optional<Payload> correlation(String name, int max) {
    JsonValue field = optional(name);
    if (field == null) {
      return Optional.empty();
    }
    boolean isOfKind = field instanceof JsonString || field instanceof JsonNumber;
    if (!isOfKind || field.raw().size() > max) {
      invalid(name, name + " must be a string or a number of at most " + max + " bytes");
      return Optional.empty();
    }
    return Optional.of(field.raw().copy());
  }

  /// Whether `name` was sent as an object.
  public boolean isObject(String name) {
    return fields.get(name) instanceof JsonObject;
  }
}
