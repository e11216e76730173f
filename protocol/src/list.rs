//! A list that many hold: what a coordinator tells everybody exists once, however many messages it stands in.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sequence whose copies share their contents until one is changed. Encoded as a `Vec` is.
///
/// Why: a message to each of n members with n statements in it would take n squared of them, 20 GB at the largest cohort.
pub struct List<T>(Arc<Vec<T>>);

impl<T: Clone> List<T> {
    /// The elements, to be changed here alone: if others hold the list as well, they keep it as it was.
    pub fn to_mut(&mut self) -> &mut Vec<T> {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(elements: Vec<T>) -> Self {
        Self(Arc::new(elements))
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self(Arc::new(elements.into_iter().collect()))
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Eq> Eq for List<T> {}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::codec::{decode, encode};

    #[test]
    fn a_list_travels_as_a_vector_does_and_is_copied_by_reference() {
        let numbers = vec![3_u32, 1, 2];
        let list = List::from(numbers.clone());
        assert_eq!(encode(&list), encode(&numbers));
        assert_eq!(decode::<List<u32>>(&encode(&numbers), 100).as_ref(), Ok(&list));
        let copy = list.clone();
        assert!(core::ptr::eq(list.as_ptr(), copy.as_ptr()));
        let mut changed = copy;
        changed.to_mut().push(4);
        assert_ne!(list, changed);
        assert_eq!((list.to_vec(), changed.to_vec()), (numbers, vec![3, 1, 2, 4]));
    }
}
