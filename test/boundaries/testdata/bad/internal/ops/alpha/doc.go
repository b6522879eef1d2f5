// Package alpha is a module that reaches into another.
package alpha
