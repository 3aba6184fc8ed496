"""What authors and instructors run: build notebooks, make decks, train the shipped model, set up the course."""
