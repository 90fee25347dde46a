<?php

/** Reads the customers that another carrier hands over as a file of comma-separated values. */
final class CustomerImport
{
    public function __construct(private PDO $database) {}

    /** Insert or update every row in one transaction: all of the file, or nothing. */
    public function run(string $path): int
    {
        $file = new SplFileObject($path);
        $file->setFlags(SplFileObject::READ_CSV | SplFileObject::SKIP_EMPTY);
        $this->database->beginTransaction();
        $count = 0;
        try {
            foreach ($file as [$number, $name, $city]) {
                $this->database->prepare('REPLACE INTO customers VALUES (?, ?, ?)')->execute([$number, $name, $city]);
                $count++;
            }
            $this->database->commit();
        } catch (Throwable $error) {
            $this->database->rollBack();
            throw $error;
        }
        return $count;
    }
}
