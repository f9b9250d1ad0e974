// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Describes one key of the configuration, on the record component that holds its value.
///
/// All values are written as they would be in a YAML file. An empty `defaultValue` means that the
/// key has none.
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
@interface Setting {
  /// What the page of settings says about the key.
  String doc();

  String defaultValue() default "";

  /// The default when `dev` is on, where it differs.
  String devDefault() default "";

  /// The smallest value, or for text the least number of characters.
  String min() default "";

  /// The largest value, or for text the greatest number of characters.
  String max() default "";

  /// Whether a `long` is a size in bytes, written as `64MiB`.
  boolean bytes() default false;

  /// Whether a `Path` is that of a file rather than a folder.
  boolean file() default false;
}
