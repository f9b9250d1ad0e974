// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The keys found by walking the records of [TidingsConfig], and the way back from values to
/// records.
final class KeyTree {
  private static final Map<String, Key> KEYS = new LinkedHashMap<>();

  static {
    collect(TidingsConfig.class, "", false);
  }

  private KeyTree() {}

  /// All keys by their path, in the order of the records.
  static Map<String, Key> keys() {
    return KEYS;
  }

  /// The tree that holds these values, one for each key that is not optional.
  static TidingsConfig bind(Map<String, Object> values) {
    return bind(TidingsConfig.class, "", values);
  }

  private static void collect(Class<?> type, String prefix, boolean optionalSection) {
    for (RecordComponent component : type.getRecordComponents()) {
      Class<?> held = held(component);
      String path = prefix + kebab(component.getName());
      boolean list = component.getType() == List.class;
      boolean optional = held != component.getType();
      if (!list && held.isRecord() && held != Secret.class) {
        collect(held, path + ".", optional);
      } else {
        Setting setting = component.getAnnotation(Setting.class);
        if (setting == null) {
          throw new IllegalStateException(path + " has no @Setting");
        }
        ValueKind kind = list ? ValueKind.listOf(held) : ValueKind.of(held, setting.bytes());
        Key.Presence presence =
            optional
                ? Key.Presence.OPTIONAL
                : optionalSection ? Key.Presence.REQUIRED_IN_SECTION : Key.Presence.REQUIRED;
        KEYS.put(path, new Key(path, kind, setting, presence));
      }
    }
  }

  private static <T> T bind(Class<T> type, String prefix, Map<String, Object> values) {
    RecordComponent[] components = type.getRecordComponents();
    List<Object> arguments = new ArrayList<>();
    for (RecordComponent component : components) {
      Class<?> held = held(component);
      String path = prefix + kebab(component.getName());
      boolean optional = held != component.getType();
      if (component.getType() == List.class) {
        arguments.add(values.getOrDefault(path, List.of()));
      } else if (held.isRecord() && held != Secret.class) {
        boolean absent =
            optional && values.keySet().stream().noneMatch(key -> key.startsWith(path + "."));
        Object section = absent ? Optional.empty() : bind(held, path + ".", values);
        arguments.add(optional && !absent ? Optional.of(section) : section);
      } else {
        Optional<Object> value = Optional.ofNullable(values.get(path));
        arguments.add(
            optional
                ? value
                : value.orElseThrow(() -> new IllegalStateException("no value for " + path)));
      }
    }
    try {
      Class<?>[] types =
          Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
      return type.getDeclaredConstructor(types).newInstance(arguments.toArray());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot make a " + type.getSimpleName(), e);
    }
  }

  /// The type of the component, or what it holds if it is an Optional or a list.
  private static Class<?> held(RecordComponent component) {
    return component.getGenericType() instanceof ParameterizedType type
        ? (Class<?>) type.getActualTypeArguments()[0]
        : component.getType();
  }

  private static String kebab(String name) {
    return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }
}
